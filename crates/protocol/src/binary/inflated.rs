//! The inflated payloads of one frame, in one buffer. The frame's messages are counted and
//! inflated first, and delivered after; this keeps the two in step.

use super::flags;
use super::parts::{Part, Parts, Place, check};
use crate::zlib::{self, InflateError};

/// Before each inflated payload stands its size, or one of the two below.
const SIZE_LEN: usize = 8;
const TOO_LARGE: u64 = u64::MAX;
const MALFORMED: u64 = u64::MAX - 1;

/// Counts the messages of a frame and inflates their payloads.
pub(super) struct Survey<'s> {
    scratch: &'s mut Vec<u8>,
    /// Bytes that may still be inflated.
    budget: usize,
    most: usize,
    count: usize,
}

impl<'s> Survey<'s> {
    /// Counts up to a little over `most` messages, and inflates up to `budget` bytes.
    pub(super) fn of(
        frame: &[u8],
        place: Place,
        scratch: &'s mut Vec<u8>,
        most: usize,
        budget: usize,
    ) -> usize {
        scratch.clear();
        let mut survey = Survey { scratch, budget, most, count: 0 };
        survey.parts(frame, place);
        survey.count
    }

    fn parts(&mut self, bytes: &[u8], place: Place) {
        for part in Parts(bytes) {
            // Nothing will be delivered: what is left need not be inflated.
            if self.count > self.most {
                return;
            }
            match part {
                Ok(part) if check(&part.header, place).is_ok() => self.part(&part),
                _ => self.count += 1,
            }
        }
    }

    fn part(&mut self, part: &Part<'_>) {
        let (flags, payload) = (part.header.flags, part.payload());
        let is_batch = flags & flags::BATCH != 0;
        let inflated = (flags & flags::COMPRESSED != 0).then(|| self.inflate(payload));
        let before = self.count;
        match inflated {
            _ if !is_batch => {}
            // Nothing is compressed or a batch in a compressed batch: counting is all.
            Some(start) => self.count += Parts(&self.scratch[start..]).count(),
            None => self.parts(payload, Place::Batch),
        }
        // An empty batch takes the place of one message, and gets one answer.
        self.count = self.count.max(before + 1);
    }

    /// Appends a payload; answers where it starts.
    fn inflate(&mut self, payload: &[u8]) -> usize {
        let mark = self.scratch.len();
        let start = mark + SIZE_LEN;
        self.scratch.resize(start, 0);
        let size = match zlib::inflate(payload, self.budget, self.scratch) {
            Ok(()) => {
                let size = self.scratch.len() - start;
                self.budget -= size;
                size as u64
            }
            Err(InflateError::TooLarge) => TOO_LARGE,
            Err(InflateError::Malformed) => MALFORMED,
        };
        self.scratch[mark..start].copy_from_slice(&size.to_le_bytes());
        start
    }
}

/// The inflated payloads, in the order of the frame.
pub(super) struct Inflated<'s>(pub(super) &'s [u8]);

impl<'s> Inflated<'s> {
    pub(super) fn next(&mut self) -> Result<&'s [u8], InflateError> {
        let Some((size, rest)) = self.0.split_first_chunk::<SIZE_LEN>() else {
            return Err(InflateError::Malformed);
        };
        self.0 = rest;
        match u64::from_le_bytes(*size) {
            TOO_LARGE => Err(InflateError::TooLarge),
            MALFORMED => Err(InflateError::Malformed),
            size => {
                let (payload, rest) = rest.split_at(usize::try_from(size).unwrap_or(0).min(rest.len()));
                self.0 = rest;
                Ok(payload)
            }
        }
    }
}
