use std::sync::Arc;

use openclick::{KeyRing, Options};

use super::*;

/// No message that comes from outside fails, by the library's intent; a delivery that no message can have does it.
#[test]
fn messages_that_fail() {
    let folder = tempfile::tempdir().unwrap();
    let (mbox, single) = ("From a Thu Jan  1 00:00:00 1970\nA: 1\n\nx\n\n".repeat(3), "A: 1\n\nx\n");
    let item = |name: &str, text: &str, kind| {
        let (input, output) = (folder.path().join(name), folder.path().join(format!("{name}.out")));
        std::fs::write(&input, text).unwrap();
        Item { input, output, length: text.len() as u64, kind }
    };
    let items = [item("a.mbox", &mbox, Kind::Mbox), item("b.eml", single, Kind::Single)];
    let command = super::super::super::args::command();
    let matches = command.get_matches_from(["openclick", "rewrite", "x"]);
    let settings = Settings::early(matches.subcommand_matches("rewrite").unwrap(), &[]);
    for pass in [false, true] {
        let shop = Shop {
            settings: &settings,
            rewriter: Options::new("t.example.com", KeyRing::generate()).unwrap().build().unwrap(),
            delivery: Delivery::new("a\nb"),
            format: Format::Auto,
            pass,
            report: None,
            stop: Stop::default(),
            threads: 2,
        };
        let (tasks, taken) = sync_channel(2);
        let (sender, events) = sync_channel(100);
        let taken = Arc::new(Mutex::new(taken));
        std::thread::scope(|scope| {
            scope.spawn(|| shop.work(&taken, &sender));
            scope.spawn({
                let (items, sender, shop) = (&items, sender.clone(), &shop);
                move || {
                    tasks.send(Task::File(&items[1])).unwrap();
                    shop.mboxes(items[..1].iter(), &tasks, &sender);
                }
            });
        });
        drop(sender);
        let mut told = Vec::new();
        for event in events {
            told.push(match event {
                Event::Mail { number, failure, .. } => format!("{number} {}", failure.unwrap().text()),
                Event::File { failure, tally, .. } => {
                    let said = failure.as_ref().map_or("written", Failure::text);
                    assert_eq!((tally.messages(), tally.held_back), (tally.failed, 0));
                    said.to_owned()
                }
            });
        }
        told.sort();
        let why = "expected a message id without control characters";
        let ends = match pass {
            true => ["written", "written"],
            false => ["not written: 3 of its 3 messages failed", "not written: its message failed"],
        };
        let mut expected: Vec<_> = [1, 1, 2, 3].iter().map(|number| format!("{number} {why}")).collect();
        expected.extend(ends.map(str::to_owned));
        assert_eq!(told, expected);
        for (item, text) in items.iter().zip([mbox.as_str(), single]) {
            assert_eq!(std::fs::read_to_string(&item.output).ok().as_deref(), pass.then_some(text));
        }
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 4);
}
