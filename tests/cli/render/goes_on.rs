//! Runs that are ended from outside, and go on: nobody is left out, and nobody gets a mail twice.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::*;

/// Waits until something is so; a test must not hang for ever where it never is.
#[track_caller]
fn until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "it never came to this");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn kill(child: &Child, signal: &str) {
    let killed = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
    assert!(killed.unwrap().success());
}

fn list(rows: usize) -> String {
    let rows: Vec<_> = (1..=rows).map(|row| format!("r{row}@example.org,Name {row},{row}\n")).collect();
    format!("email,name,order\n{}", rows.concat())
}

fn start(sandbox: &Sandbox, more: &str) -> Child {
    let line = format!("render {SETTINGS} --template news.eml --recipients list.csv {more}");
    sandbox.command(line.split_whitespace()).spawn().unwrap()
}

/// Kills a run in the middle, and lets it go on to its end.
fn killed(sandbox: &Sandbox, more: &str, is_under_way: impl Fn() -> bool) {
    let child = start(sandbox, more);
    until(is_under_way);
    kill(&child, "KILL");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(9), "it was done before it was killed");
    let refused = sandbox.render(more);
    assert_eq!(refused.code, Some(73), "{}", refused.err);
    assert!(refused.err.contains("--resume goes on"), "{}", refused.err);
}

#[test]
fn a_folder_after_a_kill() {
    let sandbox = Sandbox::news();
    sandbox.write("list.csv", list(15_000));
    // In time for a few lines of the journal.
    let is_told =
        || sandbox.tree("out").len() > 20 && sandbox.read("out/.openclick-journal").lines().count() > 2;
    killed(&sandbox, "--out-dir out", is_told);
    let before: Vec<_> = sandbox
        .tree("out")
        .into_iter()
        .filter(|name| name.ends_with(".eml"))
        .map(|name| (sandbox.read(&format!("out/{name}")), name))
        .collect();
    assert!(before.len() < 15_000);
    let run = sandbox.render("--out-dir out --resume");
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.err.contains("  done before"), "{}", run.err);
    let names: Vec<_> = sandbox.tree("out").into_iter().filter(|name| name.ends_with(".eml")).collect();
    assert_eq!(names, (1..=15_000).map(|row| format!("{row:08}.eml")).collect::<Vec<_>>());
    // The ids of both runs are of one job.
    for (text, name) in before.into_iter().step_by(100) {
        assert_eq!(header(&sandbox.read(&format!("out/{name}")), "Message-ID"), header(&text, "Message-ID"));
    }
    let again = sandbox.render("--out-dir out --resume");
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert_eq!(count(&again.err, "done before"), "15,000");
}

#[test]
fn an_mbox_after_a_kill() {
    let sandbox = Sandbox::news();
    // Each long enough that the mbox is written often.
    sandbox.write("news.eml", NEWS.replace("<p>", &format!("{}<p>", "From here\n".repeat(3000))));
    sandbox.write("list.csv", list(2000));
    let length = || fs::metadata(sandbox.path("out.mbox")).map_or(0, |file| file.len());
    killed(&sandbox, "--mbox out.mbox", || length() > 3 << 20);
    // As a kill in the middle of a write leaves it.
    let mut torn = fs::OpenOptions::new().append(true).open(sandbox.path("out.mbox")).unwrap();
    std::io::Write::write_all(&mut torn, b"From half a mail").unwrap();
    let run = sandbox.render("--mbox out.mbox --resume");
    assert_eq!(run.code, Some(0), "{}", run.err);
    let mails = messages(&sandbox.read("out.mbox"));
    let tos: Vec<_> = mails.iter().flat_map(|mail| header(mail, "To")).collect();
    assert_eq!(tos, (1..=2000).map(|row| format!("r{row}@example.org")).collect::<Vec<_>>());
}

/// A kill may fall between a delivery and the journal: such a row, one a thread at most, is done again.
#[test]
fn a_program_after_a_kill() {
    let sandbox = Sandbox::news();
    sandbox.write("list.csv", list(400));
    fs::create_dir(sandbox.path("sent")).unwrap();
    sandbox.write("send", "#!/bin/sh\ncat > /dev/null\necho x >> sent/$1\n");
    super::super::mode(&sandbox.path("send"), 0o755);
    let count = || fs::read_dir(sandbox.path("sent")).unwrap().count();
    killed(&sandbox, "--jobs 2 --exec ./send {}", || count() > 30);
    // Those that it had started end by themselves.
    until(|| !sandbox.tree("sent").iter().any(|name| sandbox.read(&format!("sent/{name}")).is_empty()));
    let run = sandbox.render("--resume --jobs 2 --exec ./send {}");
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert_eq!(count(), 400);
    let twice =
        sandbox.tree("sent").iter().filter(|name| sandbox.read(&format!("sent/{name}")).len() > 2).count();
    assert!(twice <= 2, "{twice}");
}

#[test]
fn a_signal_ends_a_run_in_order() {
    let sandbox = Sandbox::news();
    sandbox.write("list.csv", list(400));
    fs::create_dir(sandbox.path("sent")).unwrap();
    sandbox.write("send", "#!/bin/sh\ncat > /dev/null\necho x >> sent/$1\n");
    super::super::mode(&sandbox.path("send"), 0o755);
    let child = start(&sandbox, "--jobs 2 --exec ./send {}");
    until(|| sandbox.tree("sent").len() > 10);
    kill(&child, "INT");
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.signal(), Some(2), "{err}");
    assert!(err.contains("stopped by a signal; --resume goes on from here"), "{err}");
    assert_eq!(count(&err, "failed"), "0");
    let run = sandbox.render("--resume --jobs 2 --exec ./send {}");
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert_eq!(sandbox.tree("sent").len(), 400);
    assert!(sandbox.tree("sent").iter().all(|name| sandbox.read(&format!("sent/{name}")) == "x\n"));
}

#[test]
fn another_run_does_not_go_on() {
    let sandbox = Sandbox::news();
    assert_eq!(sandbox.render("--mbox out.mbox --limit 1 --quiet").code, Some(0));
    let refused = |words: &str, more: &str| {
        let run = sandbox.render(&format!("--mbox out.mbox --resume {more}"));
        assert_eq!(run.code, Some(65), "{}", run.err);
        assert!(run.err.contains(words), "{}", run.err);
    };
    sandbox.write("news.eml", NEWS.replace("Shop", "shop"));
    refused("journal out.mbox.journal: it is of another template", "");
    sandbox.write("news.eml", NEWS);
    refused("it is of another job", "--job other");
    let run = sandbox.render("--out-dir out --journal out.mbox.journal --resume");
    assert!(run.err.contains("it is of another kind of output"), "{}", run.err);
    sandbox.write("list.csv", LIST.replace("cy", "di"));
    refused("it is of another list", "");
    assert_eq!(messages(&sandbox.read("out.mbox")).len(), 1);
}

/// What a user has of their own where the mail is to go, with and without `--resume`, again and again.
#[test]
fn what_is_there_already_is_left() {
    let sandbox = Sandbox::news();
    sandbox.write("own.mbox", "From a@b Thu Jan  1 00:00:00 2026\nmine\n\n");
    fs::create_dir(sandbox.path("own")).unwrap();
    sandbox.write("own/00000001.eml", "mine");
    sandbox.write("own.txt", "mine");
    let (mbox, journal) = (sandbox.read("own.mbox"), "own.mbox.journal");
    for more in ["", "--resume", "", "--resume", "--resume"] {
        for place in ["--mbox own.mbox", "--out-dir own"] {
            let run = sandbox.render(&format!("{place} {more}"));
            assert_eq!(run.code, Some(73), "{}", run.err);
            assert!(run.err.contains("is there already"), "{}", run.err);
        }
    }
    // The journal of a run that was killed before it had made its output.
    assert_eq!(sandbox.render("--mbox other.mbox --quiet").code, Some(0));
    let whole = sandbox.read("other.mbox.journal");
    sandbox.write(journal, &whole[..=whole.find('\n').unwrap()]);
    assert_eq!(sandbox.render("--mbox own.mbox --resume").code, Some(73));
    assert_eq!(sandbox.render("--mbox m --journal own.txt --resume").code, Some(65));
    let left = [sandbox.read("own.mbox"), sandbox.read("own/00000001.eml"), sandbox.read("own.txt")];
    assert_eq!(left, [mbox.as_str(), "mine", "mine"]);
    assert!(!sandbox.path("own/.openclick-journal").exists());
}

#[test]
fn what_never_began_leaves_no_journal() {
    let sandbox = Sandbox::news();
    let places = ["--mbox out.mbox", "--out-dir out"];
    for place in places {
        sandbox.write("list.csv", LIST.replace("order", "ordr"));
        assert_eq!(sandbox.render(place).code, Some(65));
        sandbox.write("list.csv", LIST);
        assert_eq!(sandbox.render(&format!("{place} --report none/report")).code, Some(73));
        let run = sandbox.render(&format!("{place} --quiet"));
        assert_eq!(run.code, Some(0), "{}", run.err);
    }
    assert_eq!(messages(&sandbox.read("out.mbox")).len(), 3);
}
