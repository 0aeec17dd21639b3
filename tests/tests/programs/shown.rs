//! Messages as a page shows them, and how they stand for those that come. Knows both wires, and no method.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tests::{Client, Draft, Packet, Type};

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// `mcp.v1`.
    Json,
    /// `mcp.v1.binary`; shown as the fields of the header in hex, and the payload as text.
    Binary,
}

impl Wire {
    pub(crate) const fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "mcp.v1",
            Self::Binary => "mcp.v1.binary",
        }
    }

    /// What its blocks call themselves.
    pub(crate) const fn languages(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["json", "jsonl"],
            Self::Binary => &["text"],
        }
    }

    /// The frame for what is shown.
    pub(crate) fn draft(self, text: &str) -> Draft {
        match self {
            Self::Json => Draft::text(text.trim_end()),
            Self::Binary => {
                let packets = text.lines().map(|line| packet(line).bytes());
                Draft::binary(&packets.collect::<Vec<_>>().concat())
            }
        }
    }

    /// The messages that are shown.
    pub(crate) fn parse(self, text: &str) -> Vec<Value> {
        match self {
            Self::Json => {
                let values = serde_json::Deserializer::from_str(text).into_iter();
                values.map(|value| value.unwrap_or_else(|error| panic!("{text}: {error}"))).collect()
            }
            Self::Binary => text.lines().map(|line| described(&packet(line))).collect(),
        }
    }

    /// The next message that comes.
    pub(crate) fn next(self, client: &mut Client) -> Value {
        match self {
            Self::Json => client.message(),
            Self::Binary => described(&client.reply()),
        }
    }
}

/// `4d435057 01 00 0000 0000000000000007 000f 0000 00000004 "hi"`.
fn packet(line: &str) -> Packet {
    let mut fields = line.splitn(9, ' ');
    let mut field = || {
        let text = fields.next().unwrap_or_else(|| panic!("{line}: eight fields are needed"));
        u64::from_str_radix(text, 16).unwrap_or_else(|error| panic!("{line}: {text}: {error}"))
    };
    let header: [u64; 8] = std::array::from_fn(|_| field());
    let [magic, version, kind, flags, sequence_id, method, reserved, _size] = header;
    let payload = fields.next().unwrap_or_default();
    assert_eq!((magic, version, reserved), (0x4d43_5057, 1, 0), "{line}");
    let short = |value: u64| u16::try_from(value).expect("a field of two bytes");
    let kind = Type(u8::try_from(kind).expect("a field of one byte"));
    let mut packet = Packet::new(kind, sequence_id, short(method), payload.as_bytes());
    packet.flags = short(flags);
    packet
}

fn described(packet: &Packet) -> Value {
    let payload = if packet.payload.is_empty() { Value::Null } else { packet.json() };
    json!({
        "type": packet.kind.0, "flags": packet.flags, "sequence_id": packet.sequence_id,
        "method": packet.method, "payload": payload,
    })
}

/// The texts of the page that stand for others: ids, tokens, epochs.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// What came, by what is shown for it.
    stand_ins: BTreeMap<String, String>,
    came: BTreeSet<String>,
}

impl Shown {
    /// This text for that one.
    pub(crate) fn standing_for(shown: &str, real: &str) -> Self {
        let mut texts = Self::default();
        texts.add(shown, real);
        texts
    }

    /// A text of the page with the real ones in it.
    pub(crate) fn in_force(&self, text: &str) -> String {
        self.stand_ins.iter().fold(text.to_owned(), |text, (shown, real)| {
            text.replace(&json!(shown).to_string(), &json!(real).to_string())
        })
    }

    /// Whether what came is what is shown. `any=a,b` among the words names members that are others each time, and `partly`
    /// lets members come that are not shown.
    pub(crate) fn fits(&self, shown: &Value, came: &Value, words: &[String]) -> bool {
        let any: Vec<_> = words
            .iter()
            .filter_map(|word| word.strip_prefix("any="))
            .flat_map(|names| names.split(','))
            .collect();
        self.agree(shown, came, &any, words.iter().any(|word| word == "partly"))
    }

    fn agree(&self, shown: &Value, came: &Value, any: &[&str], partly: bool) -> bool {
        match (shown, came) {
            (Value::Object(shown), Value::Object(came)) => {
                (partly || shown.len() == came.len())
                    && shown.iter().all(|(name, shown)| {
                        came.get(name).is_some_and(|came| {
                            any.contains(&name.as_str()) && self.stands_for(shown, came)
                                || self.agree(shown, came, any, partly)
                        })
                    })
            }
            (Value::Array(shown), Value::Array(came)) => {
                let mut pairs = shown.iter().zip(came);
                shown.len() == came.len() && pairs.all(|(shown, came)| self.agree(shown, came, any, partly))
            }
            _ => shown == came,
        }
    }

    /// Whether one may be shown for the other: it is of the same kind, and stands for nothing else yet.
    fn stands_for(&self, shown: &Value, came: &Value) -> bool {
        match (shown, came) {
            (Value::String(shown), Value::String(came)) => shown == came || !self.came.contains(shown),
            (Value::Number(_), Value::Number(_)) => true,
            _ => false,
        }
    }

    /// Notes what the texts of a message that fits stand for.
    pub(crate) fn learn(&mut self, shown: &Value, came: &Value) {
        match (shown, came) {
            (Value::Object(shown), Value::Object(came)) => {
                for (name, shown) in shown {
                    self.learn(shown, came.get(name).unwrap_or(&Value::Null));
                }
            }
            (Value::Array(shown), Value::Array(came)) => {
                shown.iter().zip(came).for_each(|(shown, came)| self.learn(shown, came));
            }
            (Value::String(shown), Value::String(came)) if shown != came => self.add(shown, came),
            _ => {}
        }
    }

    fn add(&mut self, shown: &str, real: &str) {
        self.stand_ins.insert(shown.to_owned(), real.to_owned());
        self.came.insert(real.to_owned());
    }
}
