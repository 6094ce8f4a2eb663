//! Rows: what they may say, and what is wrong with them.

use super::*;

fn rendered(sandbox: &Sandbox, list: &str, text: &str) -> Vec<String> {
    sandbox.write(list, text);
    let run =
        sandbox.run(&format!("render {SETTINGS} --template news.eml --recipients {list} --mbox --quiet"), "");
    messages(&run.ok())
}

#[test]
fn bad_rows_fail_alone() {
    let sandbox = Sandbox::news();
    let list = b"\xef\xbb\xbfemail,name,order,open_tracking\r\n\"ann@example.org\",\"A\r\n\r\nnn\",1,\r\nbob@example.org,Bob\r\n\r\n\
        cy@example.org,C\xff,3,\r\n,D,4,\r\ne@example.org,E,5,maybe\r\nf@example.org,F,6,TRUE";
    sandbox.write("list.csv", list);
    let run = sandbox.render("--mbox out.mbox --report r.jsonl");
    assert_eq!(run.code, Some(1), "{}", run.err);
    let expected = [
        (2, 5, "expected 4 columns, found 2"),
        (3, 7, "column 2 is not UTF-8"),
        (4, 8, "the address: it is empty"),
        (5, 9, "`open_tracking`: expected true, false, 1, 0, yes, no or nothing"),
    ];
    assert_eq!(
        sandbox.failures("r.jsonl"),
        expected.map(|(row, line, why)| (row, line, false, why.to_owned()))
    );
    for (_, line, why) in expected {
        assert!(run.err.contains(&format!("openclick: render: line {line}: {why}\n")), "{}", run.err);
    }
    let messages = messages(&sandbox.read("out.mbox"));
    assert_eq!(messages.len(), 2);
    assert_eq!(header(&messages[0], "Subject"), ["A nn, hello"]);
}

#[test]
fn json_lines() {
    let sandbox = Sandbox::news();
    sandbox.write("news.eml", NEWS.replace("{{order}}", "{{order.id}}"));
    let text = "{\"email\":\"ann@example.org\",\"order\":{\"id\":7},\"name\":null}\n{nonsense\n\
        {\"email\":\"bob@example.org\",\"order\":[7]}\n{\"email\":\"cy@example.org\",\"order.id\":true,\"name\":\"Cy\"}\n";
    sandbox.write("list.jsonl", text);
    let line =
        format!("render {SETTINGS} --template news.eml --recipients list.jsonl --mbox --report r.jsonl");
    let run = sandbox.run(&line, "");
    assert_eq!(run.code, Some(1));
    let mails = messages(&run.out);
    let targets: Vec<_> = mails
        .iter()
        .flat_map(|mail| sandbox.tokens(mail))
        .filter_map(|token| token["target"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(targets, ["https://shop.example/?o=7", "https://shop.example/?o=true"]);
    assert_eq!(header(&mails[0], "Subject"), ["friend, hello"]);
    let failures = sandbox.failures("r.jsonl");
    assert_eq!(failures.iter().map(|failure| failure.1).collect::<Vec<_>>(), [2, 3]);
    assert!(failures[0].3.starts_with("no JSON: "), "{failures:?}");
    assert_eq!(failures[1].3, "expected a value for the merge field `order.id`, found none");
}

/// A recipient's columns only ever switch off.
#[test]
fn consent() {
    let sandbox = Sandbox::news();
    let rows = "email,order,name,open_tracking,click_tracking\na@example.org,1,,no,\nb@example.org,1,,,FALSE\nc@example.org,1,,0,0\nd@example.org,1,,yes,1\n";
    let kinds = |mails: &[String]| -> Vec<(bool, usize)> {
        let opens = |mail: &String| mail.matches("<img ").count();
        mails.iter().map(|mail| (mail.contains("<a href=\"https://t.example.com/"), opens(mail))).collect()
    };
    assert_eq!(kinds(&rendered(&sandbox, "l.csv", rows)), [(true, 0), (false, 2), (false, 0), (true, 2)]);
    let line = format!(
        "render {SETTINGS} --template news.eml --recipients l.csv --mbox --quiet --no-consent opens --click-tracking=false"
    );
    let mails = messages(&sandbox.run(&line, "").ok());
    assert_eq!(kinds(&mails), [(false, 0); 4]);
}

#[test]
fn who_unsubscribed_gets_nothing() {
    let sandbox = Sandbox::news();
    sandbox.write("list.csv", "email,order,name,unsubscribe\na@example.org,1,,yes\nb@example.org,1,,\nno address,1,,TRUE\nd@example.org,1,,perhaps\n");
    let run = sandbox.render("--mbox");
    assert_eq!(run.code, Some(1));
    let mails = messages(&run.out);
    assert_eq!(mails.iter().flat_map(|mail| header(mail, "To")).collect::<Vec<_>>(), ["b@example.org"]);
    insta::assert_snapshot!(run.err, @r"
    openclick: render: line 5: `unsubscribe`: expected true, false, 1, 0, yes, no or nothing
    rows           4
      written      1
      unsubscribed 2
      failed       1
    ");
}

#[test]
fn what_columns_say_of_the_delivery() {
    let sandbox = Sandbox::news();
    let text = "email,order,name,message_id,campaign,subaccount,pool\na@example.org,1,,m-7,spring,s1,p1\nb@example.org,1,,m8@x.example,,,\n";
    let mails = rendered(&sandbox, "l.csv", text);
    assert_eq!(
        mails.iter().flat_map(|mail| header(mail, "Message-ID")).collect::<Vec<_>>(),
        ["<m-7@example.com>", "<m8@x.example>"]
    );
    let token = &sandbox.tokens(&mails[0])[0];
    assert_eq!(
        ["message_id", "campaign", "subaccount", "pool"]
            .map(|name| token[name].as_str().unwrap_or("-").to_owned()),
        ["m-7", "spring", "s1", "p1"]
    );
    assert!(sandbox.tokens(&mails[1])[0]["campaign"].is_null());
}

/// The same job gives the same ids, whatever fails beside.
#[test]
fn ids_come_from_job_and_row() {
    let sandbox = Sandbox::news();
    let ids = |more: &str| -> Vec<String> {
        let run = sandbox.render(&format!("--mbox --quiet {more}"));
        messages(&run.out).iter().flat_map(|mail| header(mail, "Message-ID")).collect()
    };
    let (first, other) = (ids("--job spring"), ids("--job summer"));
    assert_eq!(first, ids("--job spring --jobs 1"));
    assert!(first.len() == 3 && first.iter().all(|id| !other.contains(id)));
    assert_ne!(ids(""), ids(""));
    sandbox.write("list.csv", LIST.replace("ann@example.org", "ann"));
    assert_eq!(ids("--job spring"), first[1..]);
}

#[test]
fn template_and_list_must_fit() {
    let sandbox = Sandbox::news();
    let refused = |words: &str| {
        let run = sandbox.render("--dry-run");
        assert_eq!(run.code, Some(65), "{}", run.err);
        assert!(run.err.contains(words), "{}", run.err);
    };
    sandbox.write("list.csv", LIST.replace("order", "ordr"));
    refused("list.csv: line 1: no column for the merge field `order`; did you mean `ordr`?");
    sandbox.write("list.csv", LIST.replace("order", "name"));
    refused("list.csv: line 1: two columns `name`");
    sandbox.write("list.csv", LIST.replace(',', ";"));
    refused("is it --delimiter that is missing?");
    assert_eq!(sandbox.render("--dry-run --delimiter ; --quiet").code, Some(0));
    sandbox.write("list.csv", LIST);
    sandbox.write("news.eml", NEWS.replace("<p>", "<p>{{#if paid}}"));
    refused(
        "news.eml:6: `{{#if paid}}`: a merge tag that is no field; --allow-other-tags leaves it as it is",
    );
    assert_eq!(sandbox.render("--dry-run --allow-other-tags --quiet").code, Some(0));
    sandbox.write("news.eml", NEWS.replace("Subject", "DKIM-Signature: v=1\nSubject"));
    refused("the template is signed");
    sandbox.write("news.eml", NEWS.replace("From:", "X-From:"));
    refused("the template has no From");
    let once = sandbox
        .run(&format!("rewrite {SETTINGS} --message-id m --format message"), NEWS.replace("{{order}}", "1"))
        .ok();
    sandbox.write("news.eml", once);
    refused("it is trackable already");
    sandbox.write("news.eml", "");
    refused("the template is empty");
}

#[test]
fn other_spellings_of_fields() {
    let sandbox = Sandbox::news();
    sandbox.write(
        "news.eml",
        NEWS.replace("{{name or 'friend'}}", "*|name|*").replace("{{order}}", "%%order%%"),
    );
    let run = sandbox.render("--mbox --quiet --merge-syntax mailchimp,salesforce");
    let mails = messages(&run.ok());
    assert_eq!(header(&mails[0], "Subject"), ["Ann, hello"]);
    assert!(sandbox.tokens(&mails[0]).iter().any(|token| token["target"] == "https://shop.example/?o=1"));
}

/// However long the list is: the memory that a process may have at all bounds this run.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_list() {
    use std::io::{BufWriter, Write};
    use std::process::{Command, Stdio};

    let sandbox = Sandbox::news();
    sandbox.write("news.html", "<p>{{name}} {{order}}</p><a href=\"https://shop.example/\">x</a>");
    let mut list = BufWriter::new(fs::File::create(sandbox.path("list.csv")).unwrap());
    writeln!(list, "email,name,order,note").unwrap();
    let note = "x".repeat(500);
    for row in 0..200_000 {
        writeln!(list, "reader-{row}@example.org,Name {row},{row},{note}").unwrap();
    }
    list.into_inner().unwrap();
    // It does not fit into what the process may have.
    assert!(fs::metadata(sandbox.path("list.csv")).unwrap().len() > 100_000_000);
    let line = format!(
        "ulimit -v 90000; exec \"$0\" render {SETTINGS} --template news.html --recipients list.csv --dry-run --jobs 2 --limit 200000"
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &line, env!("CARGO_BIN_EXE_openclick")]).current_dir(sandbox.folder.path());
    let output = shell.stdin(Stdio::null()).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && count(&err, "rendered") == "200,000", "{err}");
}
