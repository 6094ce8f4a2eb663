//! A message as a template: each render is what a rewrite of the filled message gives.

use openclick::{Change, Delivery, Report, Rewriter};

use crate::support::show;

/// The law for one message, which was rewritten with this report.
pub(crate) fn rendered(rewriter: &Rewriter, message: &[u8], delivery: &Delivery, report: &Report) {
    let template = rewriter.compile_message(message).expect("a template");
    assert!(template.substitute(delivery).expect("no fields") == message, "{}", show(message));
    let target = report.links.iter().rev().find_map(|link| link.target.clone()).unwrap_or_default();
    let deliveries = [
        delivery.clone(),
        delivery.clone().list_unsubscribe(target).campaign("autumn"),
        delivery
            .clone()
            .header("To", "\"Jos\u{e9} \\\"x\\\"\" <jose@example.org>")
            .header("subject", "\u{65e5} ".repeat(60)),
        delivery
            .clone()
            .header("X-Job", "spring")
            .header("X-MSYS-API", "{\"options\":{\"click_tracking\":false}}"),
        delivery.clone().header("Content-Type", "text/html; charset=utf-8"),
    ];
    for delivery in deliveries {
        let filled = template.substitute(&delivery).expect("no fields");
        let expected = rewriter.rewrite_message(&filled, &delivery).expect("a delivery");
        let is_made =
            expected.report.changes.iter().any(|change| matches!(change, Change::FieldInserted { .. }));
        if is_made {
            continue; // an id of chance is another each time
        }
        let mut out = b"before".to_vec();
        template.render_to(&delivery, &mut out).expect("a delivery");
        assert!(
            out.strip_prefix(b"before") == Some(&expected.bytes),
            "{}\nexpected: {}\nfilled: {}",
            show(&out),
            show(&expected.bytes),
            show(&filled)
        );
    }
}
