//! `key`: from the first key to the last mail of a retired one.

use super::{HTML, Sandbox, first_url, mode};

fn key(line: &str) -> String {
    format!("key {line} --key-file KEYS")
}

#[test]
fn the_life_of_a_key() {
    let sandbox = Sandbox::new();
    let first = first_url(&sandbox.html("", HTML).ok()).to_owned();
    insta::assert_snapshot!(sandbox.run(&key("rotate"), "").ok(), @r"
    1. openclick key add
    2. deploy the key file to every machine that makes or reads tracking links
    3. openclick key promote 1
    4. deploy the key file again; new links are sealed with slot 1
    5. once no mail of slot 0 matters any more: openclick key retire 0, and deploy
    ");
    insta::assert_snapshot!(sandbox.run(&key("add"), "").ok(), @r"
    slot 1 has a new key, accepted but not used yet
    deploy KEYS to every machine that makes or reads tracking links, then: openclick key promote 1
    ");
    assert_eq!(first_url(&sandbox.html("", HTML).ok()), first);
    insta::assert_snapshot!(sandbox.run(&key("promote 1"), "").ok(), @r"
    slot 1 is active; slot 0 is accepted
    deploy KEYS again; once no mail of slot 0 matters: openclick key retire 0
    ");
    let second = first_url(&sandbox.html("", HTML).ok()).to_owned();
    assert_ne!(second, first);
    let decode = format!("decode --key-file KEYS --tracking-domain t.example.com {first} {second}");
    sandbox.run(&decode, "").ok();
    insta::assert_snapshot!(
        sandbox.run(&key("retire 0"), "").ok(),
        @"slot 0 is retired: its links are refused wherever KEYS is deployed"
    );
    let run = sandbox.run(&decode, "");
    assert_eq!(run.code, Some(65));
    assert!(run.out.contains("\"kind\":\"retired-key\"") && run.out.contains("\"slot\":1"), "{}", run.out);
    insta::assert_snapshot!(sandbox.run(&key("list"), "").ok(), @r"
    SLOT  STATE    NOT AFTER
       0  retired  -
       1  active   -
    ");
    sandbox.run(&key("add --reuse-slot 0"), "").ok();
    insta::assert_snapshot!(sandbox.run(&key("list --json"), "").ok(), @r#"
    {"slot":0,"state":"accept"}
    {"slot":1,"state":"active"}
    "#);
}

#[test]
fn a_list_shows_dates_and_no_secret() {
    let sandbox = Sandbox::new();
    sandbox.write("KEYS", super::KEYS.trim_end().to_owned() + " 2027-01-31 # mine\n");
    for line in ["list", "list --json", "rotate", "add", "promote 1", "retire 0"] {
        let run = sandbox.run(&key(line), "");
        assert_eq!(run.code, Some(0));
        assert!(!(run.out + &run.err).contains("MDEyMzQ1"), "{line}");
    }
    insta::assert_snapshot!(sandbox.run(&key("list"), "").ok(), @r"
    SLOT  STATE    NOT AFTER
       0  retired  2027-01-31T23:59:59Z
       1  active   -
    ");
    assert!(
        sandbox
            .run(&key("list --json"), "")
            .ok()
            .starts_with("{\"slot\":0,\"state\":\"retired\",\"not_after\":\"2027-01-31T23:59:59Z\"}\n")
    );
    assert!(sandbox.read("KEYS").contains("# mine"));
}

#[test]
fn steps_that_make_no_sense_change_nothing() {
    let sandbox = Sandbox::new();
    for (line, message) in [
        ("promote 0", "slot 0 is active already"),
        ("promote 7", "slot 7 has no key"),
        ("retire 0", "slot 0 is active: promote another key first"),
        ("add --reuse-slot 0", "slot 0 is active: only a retired key's slot can be used again"),
    ] {
        sandbox.run(&key(line), "").fails(78, &format!("openclick: key: {message}"));
    }
    assert_eq!(sandbox.run(&key("promote 32"), "").code, Some(64));
    assert_eq!(sandbox.run(&key("promote"), "").code, Some(64));
    assert_eq!(sandbox.run("key", "").code, Some(64));
    assert_eq!(sandbox.read("KEYS"), super::KEYS);
    sandbox.run("key list", "").fails(
        78,
        "openclick: key: no key file: give --key-file, OPENCLICK_KEY_FILE, or key-file in the file that --config names",
    );
    sandbox
        .run("key list --key-file nope", "")
        .fails(78, "openclick: key: key file nope: no such file or directory");
    sandbox.write("BAD", "0 active MDEy\n");
    mode(&sandbox.path("BAD"), 0o600);
    sandbox.run("key list --key-file BAD", "").fails(
        78,
        "openclick: key: key file BAD: line 1: expected a key of 32 bytes: 43 characters of base64url without padding",
    );
}

#[test]
fn a_new_key_file_is_printed_or_made() {
    let sandbox = Sandbox::new();
    let printed = sandbox.run("key new", "").ok();
    assert!(printed.starts_with("# Keys of openclick") && printed.contains("\n0 active "), "{printed}");
    assert_ne!(sandbox.run("key new", "").ok(), printed);
    assert_eq!(sandbox.run("key new --key-file NEW", "").ok(), "");
    sandbox.run("key list --key-file NEW", "").ok();
    let before = sandbox.read("NEW");
    sandbox
        .run("key new --key-file NEW", "")
        .fails(73, "openclick: key: NEW is there already; `openclick key add` adds a key to it");
    assert_eq!(sandbox.read("NEW"), before);
    sandbox
        .run("key new --key-file nope/NEW", "")
        .fails(73, "openclick: key: key file nope/NEW: no such file or directory");
}

#[test]
#[cfg(unix)]
fn a_redirected_key_is_usable_at_once() {
    use std::os::unix::fs::PermissionsExt;

    let sandbox = Sandbox::new();
    for umask in ["000", "022", "077"] {
        let line =
            format!("umask {umask}; rm -f NEW; \"$0\" key new > NEW && \"$0\" key list --key-file NEW");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &line, env!("CARGO_BIN_EXE_openclick")]).current_dir(sandbox.folder.path());
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{umask}: {}", String::from_utf8_lossy(&output.stderr));
        let mode = std::fs::metadata(sandbox.path("NEW")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
#[cfg(unix)]
fn an_edited_file_keeps_its_mode_and_an_open_one_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let sandbox = Sandbox::new();
    mode(&sandbox.path("KEYS"), 0o640);
    sandbox.run(&key("add"), "").ok();
    assert_eq!(std::fs::metadata(sandbox.path("KEYS")).unwrap().permissions().mode() & 0o777, 0o640);
    mode(&sandbox.path("KEYS"), 0o644);
    sandbox.run(&key("list"), "").fails(
        78,
        "openclick: key: key file KEYS has mode 0644: others can read it, and whoever has a key can forge and read \
         tracking links; run `chmod 0640 KEYS`",
    );
    sandbox.run(&key("list --allow-open-key-file"), "").ok();
    assert_eq!(sandbox.names(), ["KEYS"]);
}

/// The owner, group and mode of a file.
#[cfg(unix)]
fn owner(path: &std::path::Path) -> (u32, u32, u32) {
    use std::os::unix::fs::MetadataExt;

    let metadata = std::fs::metadata(path).unwrap();
    (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777)
}

#[test]
#[cfg(unix)]
fn an_edited_file_keeps_its_owner() {
    let sandbox = Sandbox::new();
    let keys = sandbox.path("KEYS");
    // The MTA's user owns the keys, the endpoint's group reads them.
    if !super::give(&keys, 1234, 2345) {
        return;
    }
    mode(&keys, 0o640);
    for line in ["add", "promote 1", "retire 0", "add --reuse-slot 0", "rotate", "list"] {
        sandbox.run(&key(line), "").ok();
        assert_eq!(owner(&keys), (1234, 2345, 0o640), "{line}");
    }
    assert_eq!(sandbox.names(), ["KEYS"]);
}

#[test]
#[cfg(unix)]
fn a_file_whose_owner_cannot_be_kept_is_left() {
    let sandbox = Sandbox::new();
    let keys = sandbox.path("KEYS");
    // Root's, and read by the group of a user who may write the folder.
    if !(super::give(&keys, 0, 2345) && super::give(sandbox.folder.path(), 1234, 2345)) {
        return;
    }
    mode(&keys, 0o640);
    let Some(run) = super::run_as(&sandbox, 1234, 2345, &key("add"), "") else { return };
    run.fails(
        74,
        "openclick: key: key file KEYS: it belongs to user 0 and group 2345, and a new file cannot be given to them: run \
         this as that user or as root; nothing was changed",
    );
    assert_eq!((sandbox.read("KEYS").as_str(), owner(&keys)), (super::KEYS, (0, 2345, 0o640)));
    assert_eq!(sandbox.names(), ["KEYS"]);
    // Nor may a group be lost that is not the user's.
    super::give(&keys, 1234, 3456);
    let run = super::run_as(&sandbox, 1234, 2345, &key("add"), "").unwrap();
    assert_eq!((run.code, owner(&keys)), (Some(74), (1234, 3456, 0o640)));
    assert_eq!(sandbox.read("KEYS"), super::KEYS);
}

#[test]
fn edits_at_once_lose_no_key() {
    let sandbox = Sandbox::new();
    for turn in 0..3 {
        let adding: Vec<_> =
            (0..8).map(|_| sandbox.command(key("add").split_whitespace()).spawn().unwrap()).collect();
        let mut slots: Vec<u32> = adding
            .into_iter()
            .map(|child| {
                let output = child.wait_with_output().unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                let said = String::from_utf8(output.stdout).unwrap();
                said.split(' ').nth(1).unwrap().parse().unwrap()
            })
            .collect();
        slots.sort();
        let first = turn * 8 + 1;
        assert_eq!(slots, (first..first + 8).collect::<Vec<_>>());
        let listed = sandbox.run(&key("list --json"), "").ok();
        assert_eq!(listed.lines().count() as u32, first + 8);
    }
    assert_eq!(sandbox.names(), ["KEYS"]);
}

#[test]
fn new_keys_made_at_once_do_not_replace_each_other() {
    let sandbox = Sandbox::new();
    let making: Vec<_> =
        (0..8).map(|_| sandbox.command(["key", "new", "--key-file", "NEW"]).spawn().unwrap()).collect();
    let codes = making.into_iter().map(|child| child.wait_with_output().unwrap().status.code());
    assert_eq!(codes.filter(|code| *code == Some(0)).count(), 1);
}

#[test]
#[cfg(unix)]
fn an_edit_goes_through_a_link() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("etc")).unwrap();
    std::fs::rename(sandbox.path("KEYS"), sandbox.path("etc/KEYS")).unwrap();
    std::os::unix::fs::symlink("etc/KEYS", sandbox.path("KEYS")).unwrap();
    sandbox.run(&key("add"), "").ok();
    assert!(sandbox.path("KEYS").symlink_metadata().unwrap().is_symlink());
    assert_eq!(sandbox.read("etc/KEYS").lines().count(), 2);
    sandbox
        .run("key add --key-file /dev/null", "")
        .fails(78, "openclick: key: key file /dev/null: it is no regular file, which could be replaced");
}
