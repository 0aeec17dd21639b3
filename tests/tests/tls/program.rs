//! The program: signals, log lines, and files that are wrong.

use crate::{BINARY, NAME, Setting, connect, shake};
use std::path::Path;
use std::process::{Command, Output};
use tests::{Authority, Process, Trust, until};

#[test]
fn sighup_has_the_files_read_again_and_a_broken_pair_is_not_taken() {
    let setting = Setting::new();
    let process = Process::start(BINARY, |config| setting.serve(config));
    let mut client = connect(&process, &setting.trust());
    client.check_alive();

    let next = Authority::fresh("next");
    let pair = next.certify(&[NAME]);
    setting.write(&pair, "gateway");
    process.hang_up();
    process.await_log("certificates and keys were read again");
    shake(&process, &Trust::of(&next)).expect("the new certificate is served");

    // The key of another certificate.
    std::fs::write(setting.folder.path().join("gateway.key"), next.certify(&[NAME]).key).expect("our folder");
    let told = process.await_log("the last good ones stay");
    assert!(told.contains("gateway.key") && told.contains("does not belong"), "{told}");
    shake(&process, &Trust::of(&next)).expect("the last good certificate is served");
    std::fs::write(setting.folder.path().join("gateway.pem"), "nothing").expect("our folder");
    process.hang_up();
    let told = process.await_log("there is no certificate in it");
    assert!(told.contains("gateway.pem") && told.contains("a chain in PEM is needed"), "{told}");
    shake(&process, &Trust::of(&next)).expect("the last good certificate is served");

    // Mended by itself.
    setting.write(&setting.authority.certify(&[NAME]), "gateway");
    until("the mended pair", || shake(&process, &setting.trust()).ok());
    client.check_alive();
}

#[test]
fn sighup_without_tls_changes_nothing() {
    let process = Process::start(BINARY, |_| {});
    let mut client = process.connect();
    process.hang_up();
    client.check_alive();
    process.connect().check_alive();
}

/// What the program says to a configuration with these settings of TLS.
fn run(command: &str, folder: &Path, tls: &str) -> Output {
    let file = folder.join("mcpw.yaml");
    std::fs::write(&file, format!("auth: {{required: false}}\ntls:\n{tls}")).expect("our folder");
    let program = Command::new(BINARY).arg(command).arg("--config").arg(&file).env_clear().output();
    program.expect("the binary was built")
}

/// Checks that both commands refuse the settings with these words, and end.
#[track_caller]
fn check_told(folder: &Path, tls: &str, expected: &[&str]) {
    for command in ["gateway", "check-config"] {
        let output = run(command, folder, tls);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{command}: {tls}");
        for part in expected {
            assert!(told.contains(part), "{command}: {told:?} does not hold {part:?}");
        }
    }
}

#[test]
fn what_is_wrong_with_the_files_is_told_at_the_start() {
    let setting = Setting::new();
    let folder = setting.folder.path();
    setting.write(&setting.authority.certify(&[NAME]), "good");
    setting.write(&setting.authority.certify(&[NAME]), "other");
    std::fs::write(folder.join("empty"), "").expect("our folder");
    let pair = |certificate: &str, key: &str| {
        let path = |name| folder.join(name).display().to_string();
        format!("  cert_file: {}\n  key_file: {}\n", path(certificate), path(key))
    };
    let told = run("check-config", folder, &pair("good.pem", "good.key"));
    assert!(told.status.success(), "{told:?}");
    check_told(folder, &pair("good.pem", "other.key"), &["other.key", "does not belong", "good.pem"]);
    check_told(folder, &pair("nowhere.pem", "good.key"), &["nowhere.pem: No such file"]);
    check_told(
        folder,
        &pair("empty", "good.key"),
        &["empty: there is no certificate", "a chain in PEM is needed"],
    );
    check_told(
        folder,
        &pair("good.pem", "empty"),
        &["empty: there is no private key", "a private key in PEM"],
    );
    check_told(folder, &pair("good.pem", "good.pem"), &["good.pem: there is no private key"]);
    let asking = |authorities: &str| {
        let file = folder.join(authorities).display().to_string();
        pair("good.pem", "good.key") + &format!("  client_certificates: required\n  client_ca_file: {file}\n")
    };
    check_told(folder, &asking("empty"), &["empty: there is no certificate", "authorities are needed"]);
}
