//! Generated link names, mail addresses and message ids.

use crate::context::TextClass;
use crate::learn::Item;
use crate::mix::{Random, campaign_name, capital};
use crate::words::{FIRST, LAST, MAIL_HOSTS, TOPS};

/// Recipients, link names, campaigns, pools, message ids.
pub(crate) fn names(n: usize, lexicon: &[String]) -> Vec<Item> {
    let mut random = Random { state: 2, lexicon };
    (0..n)
        .map(|number| {
            let text = match random.below(10) {
                0..=4 => recipient(&mut random),
                5..=6 => link_name(&mut random),
                7 => campaign_name(&mut random),
                8 => format!(
                    "{}-{}",
                    random.pick(&[
                        "pool",
                        "vmta",
                        "mta",
                        "ip",
                        "stream",
                        "marketing",
                        "transactional",
                        "newsletter",
                        "bulk",
                        "promo",
                        "default"
                    ]),
                    random.digits(1, 2)
                ),
                _ => message_id(&mut random),
            };
            Item {
                text: text.into_bytes(),
                class: TextClass::Name,
                weight: 1.0,
                source: 2_000_000 + (number as u32 & 0xfff),
            }
        })
        .collect()
}

fn recipient(random: &mut Random<'_>) -> String {
    let first = if random.chance(60) { random.pick(FIRST).to_string() } else { random.brand() };
    let last = if random.chance(45) { random.pick(LAST).to_string() } else { random.brand() };
    let mut local = match random.below(8) {
        0..=2 => format!("{first}.{last}"),
        3 => format!("{}{last}", &first[..1]),
        4 => format!("{first}{last}"),
        5 => format!("{first}_{last}"),
        6 => first,
        _ => random
            .pick(&["info", "office", "contact", "sales", "hello", "mail", "news", "marketing"])
            .to_string(),
    };
    if random.chance(30) {
        local += &random.digits(1, 4);
    }
    if random.chance(4) {
        local = format!("{local}+{}", random.word());
    }
    let host = if random.chance(60) {
        random.pick(MAIL_HOSTS).to_string()
    } else {
        format!("{}{}", if random.chance(75) { random.brand() } else { random.slug(1, 2) }, random.pick(TOPS))
    };
    if random.chance(4) { format!("{}@{host}", capital(&local)) } else { format!("{local}@{host}") }
}

fn link_name(random: &mut Random<'_>) -> String {
    let join = random.pick(&["-", "-", "_", " ", "."]);
    let n = 1 + random.below(3);
    let place = random.pick(&[
        "hero",
        "cta",
        "header",
        "footer",
        "button",
        "image",
        "logo",
        "product",
        "banner",
        "nav",
        "title",
        "article",
        "main",
        "top",
        "social",
        "view in browser",
        "unsubscribe",
        "read-more",
        "secondary",
        "primary",
    ]);
    let mut name = place.to_string();
    for _ in 1..n {
        name = format!("{name}{join}{}", random.word());
    }
    if random.chance(35) {
        name = format!("{name}{join}{}", random.digits(1, 2));
    }
    if random.chance(15) { name.split(join).map(capital).collect::<Vec<_>>().join(join) } else { name }
}

fn message_id(random: &mut Random<'_>) -> String {
    match random.below(6) {
        0 => format!("{}.{}@{}", random.date(""), random.hex(12), random.host()),
        1 => format!("{}@{}", random.uuid(), random.host()),
        2 => format!(
            "{}.{}.{}@mail.{}",
            random.digits(10, 10),
            random.digits(4, 6),
            random.digits(5, 9),
            random.host()
        ),
        3 => {
            let n = 16 + random.below(16);
            format!("{}@{}", random.alphanumeric(n), random.host())
        }
        4 => format!("CA{}@mail.gmail.com", random.base64(48)),
        _ => random.hex(32),
    }
}
