//! The fixed sample that URL lengths are measured on: 300 destinations each of plain, campaign and shop shape, a
//! third of them retail, news and accounts, with a recipient and, on 4 of 6, a link name.
//!
//! It stands for mail that the code table has not seen: brands, words, names and ids are none of those that the
//! table's generator mixes in (only what mail software itself writes, such as `utm_medium=email`, is in both), and
//! no registrable domain is in the list that the table was trained on.

/// How a destination looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A page, 72 bytes in the mean.
    Plain,
    /// A page with campaign tags, 163 bytes.
    Campaign,
    /// A page with the parameters of a shop or an application and with campaign tags, 237 bytes.
    Shop,
}

/// One link of a mail.
pub(crate) struct Link {
    pub(crate) target: String,
    pub(crate) recipient: String,
    pub(crate) link_name: Option<String>,
    pub(crate) message_id: String,
    /// A Message-ID of 40 characters, for mails without another id.
    pub(crate) text_message_id: String,
    pub(crate) index: u32,
}

const BRANDS: &[&str] = &[
    "harlowandfinch.com",
    "nordvikinteriors.se",
    "pemberleytextiles.co.uk",
    "quillandquarry.com",
    "bergmannwerkzeug.de",
    "lumenoptik.ch",
    "saltmarshoutfitters.com",
    "velourmaison.fr",
    "tidewatertribune.com",
    "thehighlandcourier.co.uk",
    "morgenspiegel-regional.de",
    "pacificledger.com",
    "lagazettedumidi.fr",
    "eastshoreobserver.org",
    "stackhaven.io",
    "ledgerwise.app",
    "teamfathom.com",
    "parcelbeacon.com",
    "inboxorchard.com",
    "cadencehq.co",
];
const GOODS: &[&str] = &[
    "linen",
    "duvet",
    "cushion",
    "ceramic",
    "teapot",
    "lantern",
    "parka",
    "trousers",
    "cardigan",
    "sandals",
    "rucksack",
    "kettle",
    "blender",
    "mattress",
    "pillow",
    "wardrobe",
    "necklace",
    "bracelet",
    "scarf",
    "gloves",
    "umbrella",
    "sunglasses",
    "perfume",
    "candle",
    "vase",
    "rug",
    "curtain",
    "drill",
    "hammock",
    "tent",
    "thermos",
    "skillet",
    "ivory",
    "navy",
    "olive",
    "charcoal",
    "burgundy",
    "striped",
    "quilted",
    "woven",
    "waterproof",
    "slim",
    "fit",
    "oversized",
    "vintage",
    "oak",
    "walnut",
    "marble",
    "bamboo",
    "copper",
    "velvet",
    "merino",
    "insulated",
    "clearance",
];
const NEWS: &[&str] = &[
    "council",
    "mayor",
    "budget",
    "strike",
    "railway",
    "harbour",
    "bridge",
    "flood",
    "storm",
    "inflation",
    "rent",
    "housing",
    "trade",
    "tariffs",
    "farmers",
    "union",
    "nurses",
    "teachers",
    "museum",
    "festival",
    "orchestra",
    "stadium",
    "striker",
    "coach",
    "victory",
    "defeat",
    "verdict",
    "inquiry",
    "scandal",
    "senate",
    "vote",
    "ballot",
    "border",
    "pension",
    "funding",
    "hospital",
    "vaccine",
    "drought",
    "wildfire",
    "satellite",
    "telescope",
    "merger",
    "shares",
    "profits",
    "layoffs",
    "chipmaker",
    "faces",
    "warns",
    "raises",
    "plans-for",
    "amid",
    "despite",
    "behind",
    "against",
];
const OFFICE: &[&str] = &[
    "inbox",
    "board",
    "sprint",
    "backlog",
    "ticket",
    "comment",
    "mention",
    "approval",
    "timesheet",
    "payslip",
    "expense",
    "receipt",
    "contract",
    "signature",
    "shipment",
    "tracking",
    "calendar",
    "booking",
    "survey",
    "feedback",
    "integration",
    "webhook",
    "audit",
    "usage",
    "quota",
    "seat",
    "subscription",
    "renewal",
    "onboarding",
    "changelog",
    "roadmap",
    "insights",
    "forecast",
    "pipeline",
    "contacts",
    "segment",
    "automation",
    "archive",
    "export",
    "channel",
    "thread",
];
const PLACES: &[&str] = &[
    "teaser",
    "tile",
    "masthead",
    "carousel",
    "spotlight",
    "sidebar",
    "grid",
    "signoff",
    "badge",
    "strip",
    "panel",
    "lead",
];
const GIVEN: &[&str] = &[
    "oliver",
    "charlotte",
    "henrik",
    "ingrid",
    "mateo",
    "lucia",
    "fatima",
    "yusuf",
    "priya",
    "arjun",
    "hannah",
    "felix",
    "greta",
    "nils",
    "beatrice",
    "hugo",
    "amelie",
    "rosa",
    "ivan",
    "katya",
    "megan",
    "dylan",
    "theo",
    "nora",
];
const FAMILY: &[&str] = &[
    "hughes",
    "bennett",
    "lindqvist",
    "hoffmann",
    "keller",
    "moreau",
    "fontaine",
    "ricci",
    "ferrari",
    "ortega",
    "navarro",
    "patel",
    "sharma",
    "okafor",
    "mensah",
    "kowalski",
    "novak",
    "petrov",
    "larsen",
    "jansen",
    "fraser",
    "doyle",
];
const MAILBOXES: &[&str] = &[
    "gmail.com",
    "gmail.com",
    "gmail.com",
    "outlook.com",
    "yahoo.com",
    "hotmail.com",
    "icloud.com",
    "gmx.de",
    "orange.fr",
    "fastmail.com",
    "wexfordpartners.com",
    "institut-lumiere.fr",
    "kraftbau-gmbh.de",
    "ridgewayschool.org",
];

/// xorshift64*: not the generator of the training mix.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n as u64) as usize
    }
    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.roll(words.len())]
    }
    fn text(&mut self, alphabet: &[u8], n: usize) -> String {
        (0..n).map(|_| alphabet[self.roll(alphabet.len())] as char).collect()
    }
    fn number(&mut self, n: usize) -> String {
        self.text(b"123456789", 1) + &self.text(b"0123456789", n - 1)
    }
    fn hex(&mut self, n: usize) -> String {
        self.text(b"0123456789abcdef", n)
    }
    fn slug(&mut self, words: &[&str], n: usize) -> String {
        (0..n).map(|_| self.of(words)).collect::<Vec<_>>().join("-")
    }
}

/// The 300 links of a shape.
pub(crate) fn links(shape: Shape) -> Vec<Link> {
    let mut dice = Dice(0x0123_4567_89ab_cdef ^ shape as u64);
    (0..300).map(|number| link(&mut dice, shape, number)).collect()
}

fn link(dice: &mut Dice, shape: Shape, number: usize) -> Link {
    let mut target = match number % 3 {
        0 => retail(dice, shape),
        1 => news(dice, shape),
        _ => account(dice, shape),
    };
    if shape != Shape::Plain {
        tags(dice, shape, &mut target);
    }
    let recipient = format!(
        "{}{}{}{}@{}",
        dice.of(GIVEN),
        dice.of(&[".", ".", "", "_"]),
        dice.of(FAMILY),
        if dice.roll(4) == 0 { dice.number(2) } else { String::new() },
        dice.of(MAILBOXES)
    );
    let link_name = (number % 6 < 4).then(|| match dice.roll(3) {
        0 => dice.of(PLACES).to_owned(),
        1 => format!("{}-{}", dice.of(PLACES), dice.roll(12) + 1),
        _ => format!("{}-{}", dice.of(PLACES), dice.of(GOODS)),
    });
    let (a, b, c, d, e) = (dice.hex(8), dice.hex(4), dice.hex(3), dice.hex(3), dice.hex(12));
    Link {
        target,
        recipient,
        link_name,
        message_id: format!("{a}-{b}-4{c}-a{d}-{e}"),
        text_message_id: format!("{}.{}@mail.northgate.example", dice.number(10), dice.number(6)),
        index: number as u32 % 60,
    }
}

fn host(dice: &mut Dice, brands: std::ops::Range<usize>, prefixes: &[&str]) -> String {
    format!("https://{}{}", dice.of(prefixes), dice.of(&BRANDS[brands]))
}

fn retail(dice: &mut Dice, shape: Shape) -> String {
    let host = host(dice, 0..8, &["www.", "www.", "www.", "", "shop."]);
    let path = match dice.roll(5) {
        0 => format!("/products/{}", dice.slug(GOODS, 4)),
        1 => {
            format!("/{}/{}/{}-{}.html", dice.of(GOODS), dice.of(GOODS), dice.slug(GOODS, 2), dice.number(7))
        }
        2 => format!("/collections/{}/products/{}", dice.of(GOODS), dice.slug(GOODS, 3)),
        3 => format!("/p/{}/{}", dice.slug(GOODS, 4), dice.number(8)),
        _ => format!("/shop/{}/{}", dice.slug(GOODS, 2), dice.slug(GOODS, 2)),
    };
    let parameters = match (shape, dice.roll(3)) {
        (Shape::Shop, 0) => {
            format!("?variant={}&currency=EUR&size={}", dice.number(14), dice.of(&["S", "M", "XL", "42"]))
        }
        (Shape::Shop, 1) => format!("?sku={}&colour={}&quantity=1", dice.number(9), dice.of(GOODS)),
        (Shape::Shop, _) => format!("?pid={}&recommended=1&slot={}", dice.number(10), dice.number(1)),
        _ => String::new(),
    };
    host + &path + &parameters
}

fn news(dice: &mut Dice, shape: Shape) -> String {
    let host = host(dice, 8..14, &["www.", "www.", "", "edition."]);
    let path = match dice.roll(4) {
        0 => format!("/2031/{:02}/{:02}/{}", 1 + dice.roll(12), 1 + dice.roll(28), dice.slug(NEWS, 4)),
        1 => format!("/{}/{}-{}", dice.of(NEWS), dice.slug(NEWS, 4), dice.number(7)),
        2 => format!("/{}/{}.html", dice.of(NEWS), dice.slug(NEWS, 5)),
        _ => format!("/{}/{}/", dice.of(NEWS), dice.slug(NEWS, 5)),
    };
    let parameters = match (shape, dice.roll(2)) {
        (Shape::Shop, 0) => format!(
            "?edition={}&reader={}&gift={}",
            dice.of(&["am", "pm", "weekend"]),
            dice.number(8),
            dice.hex(12)
        ),
        (Shape::Shop, _) => format!(
            "?subscriber={}&issue=2031-{:02}-{:02}&pos={}",
            dice.number(9),
            1 + dice.roll(12),
            1 + dice.roll(28),
            dice.number(1)
        ),
        _ => String::new(),
    };
    host + &path + &parameters
}

fn account(dice: &mut Dice, shape: Shape) -> String {
    let host = host(dice, 14..20, &["app.", "app.", "www.", "", "go."]);
    let path = match dice.roll(5) {
        0 => format!("/{}/{}/{}s/{}", dice.of(OFFICE), dice.number(6), dice.of(OFFICE), dice.number(8)),
        1 => format!("/w/{}/{}/{}", dice.slug(OFFICE, 2), dice.of(OFFICE), dice.hex(12)),
        2 => format!("/help/{}/{}", dice.of(OFFICE), dice.slug(OFFICE, 3)),
        3 => format!("/{}/{}?view={}", dice.of(OFFICE), dice.hex(16), dice.of(OFFICE)),
        _ => format!("/{}/{}/{}", dice.of(OFFICE), dice.of(OFFICE), dice.slug(OFFICE, 3)),
    };
    let parameters = match (shape, dice.roll(2)) {
        (Shape::Shop, 0) => {
            format!("member={}&team={}&via={}", dice.hex(16), dice.number(6), dice.of(OFFICE))
        }
        (Shape::Shop, _) => format!("notice={}&user={}&locale=en-GB", dice.number(10), dice.hex(12)),
        _ => String::new(),
    };
    let join = match (parameters.is_empty(), path.contains('?')) {
        (true, _) => "",
        (false, true) => "&",
        (false, false) => "?",
    };
    format!("{host}{path}{join}{parameters}")
}

fn tags(dice: &mut Dice, shape: Shape, target: &mut String) {
    let words = [GOODS, NEWS, OFFICE][dice.roll(3)];
    let source = dice.of(&["newsletter", "newsletter", "email", "klaviyo", "braze", "lifecycle-mail", "crm"]);
    let campaign = match dice.roll(3) {
        0 => format!("{}_{}_2031", dice.of(words), dice.of(words)),
        1 => format!("2031{:02}{:02}-{}", 1 + dice.roll(12), 1 + dice.roll(28), dice.slug(words, 2)),
        _ => format!("{}-{}", dice.slug(words, 2), dice.number(3)),
    };
    let content = match dice.roll(3) {
        0 => format!("{}-{}", dice.of(PLACES), dice.number(1)),
        1 => format!("{}_{}", dice.of(PLACES), dice.of(words)),
        _ => dice.of(PLACES).to_owned(),
    };
    target.push(if target.contains('?') { '&' } else { '?' });
    *target += &format!("utm_source={source}&utm_medium=email&utm_campaign={campaign}&utm_content={content}");
    if shape == Shape::Shop {
        let more = match dice.roll(4) {
            0 => format!("&utm_term={}", dice.slug(words, 3)),
            1 => format!("&ct={}", dice.hex(24)),
            2 => format!("&mailing={}&rcpt={}", dice.number(6), dice.number(9)),
            _ => format!("&promo={}-{}", dice.slug(words, 2).to_uppercase(), dice.number(2)),
        };
        *target += &more;
    }
}

/// The words that the sample is made of, for the test that they are none of the training mix's.
pub(crate) fn words() -> impl Iterator<Item = &'static str> {
    [GOODS, NEWS, OFFICE, PLACES, GIVEN, FAMILY].into_iter().flatten().copied()
}
