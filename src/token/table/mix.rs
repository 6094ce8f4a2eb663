//! Generated mail links, names and addresses: what public lists of URLs lack.
//!
//! Brands and rare words are drawn evenly from all words of the list of URLs, or made of syllables, so that no
//! single one is learnt, only what words look like.

use crate::context::TextClass;
use crate::learn::Item;
use crate::words::{FIRST, MAIL_HOSTS, PREFIXES, TOPS, WORDS};

/// splitmix64: small, and the same everywhere.
pub(crate) struct Random<'l> {
    pub(crate) state: u64,
    /// Words of the list of URLs.
    pub(crate) lexicon: &'l [String],
}

impl Random<'_> {
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
    pub(crate) fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
    pub(crate) fn from(&mut self, alphabet: &str, n: usize) -> String {
        (0..n).map(|_| alphabet.as_bytes()[self.below(alphabet.len())] as char).collect()
    }
    pub(crate) fn digits(&mut self, low: usize, high: usize) -> String {
        let n = low + self.below(high - low + 1);
        let first = self.from("123456789", 1);
        first + &self.from("0123456789", n - 1)
    }
    pub(crate) fn hex(&mut self, n: usize) -> String {
        self.from("0123456789abcdef", n)
    }
    pub(crate) fn base64(&mut self, n: usize) -> String {
        self.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", n)
    }
    pub(crate) fn alphanumeric(&mut self, n: usize) -> String {
        self.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", n)
    }
    pub(crate) fn uuid(&mut self) -> String {
        format!(
            "{}-{}-4{}-{}{}-{}",
            self.hex(8),
            self.hex(4),
            self.hex(3),
            self.from("89ab", 1),
            self.hex(3),
            self.hex(12)
        )
    }
    pub(crate) fn brand(&mut self) -> String {
        if self.chance(80) {
            return self.lexicon[self.below(self.lexicon.len())].clone();
        }
        let syllables = 2 + self.below(3);
        (0..syllables)
            .map(|_| {
                let onset = self.pick(&[
                    "b", "br", "c", "ch", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "st",
                    "t", "tr", "v", "w", "z", "",
                ]);
                let vowel = self.pick(&["a", "e", "i", "o", "u", "ea", "oo", "y", "ai"]);
                let coda = self.pick(&["", "", "", "n", "r", "l", "s", "t", "x", "nd", "rk", "m"]);
                format!("{onset}{vowel}{coda}")
            })
            .collect()
    }
    pub(crate) fn word(&mut self) -> String {
        // Names and rare words exist too.
        if self.chance(22) { self.brand() } else { self.pick(WORDS).to_string() }
    }
    pub(crate) fn slug(&mut self, low: usize, high: usize) -> String {
        let n = low + self.below(high - low + 1);
        (0..n).map(|_| self.word()).collect::<Vec<_>>().join("-")
    }
    pub(crate) fn host(&mut self) -> String {
        let middle = if self.chance(25) {
            self.slug(1, 2)
        } else if self.chance(30) {
            self.word() + &self.word()
        } else {
            self.brand()
        };
        format!("{}{}{}", self.pick(PREFIXES), middle, self.pick(TOPS))
    }
    pub(crate) fn date(&mut self, between: &str) -> String {
        format!(
            "20{}{between}{:02}{between}{:02}",
            20 + self.below(10),
            1 + self.below(12),
            1 + self.below(28)
        )
    }
    pub(crate) fn id(&mut self) -> String {
        match self.below(8) {
            0..=3 => self.digits(4, 10),
            4 => self.hex(24),
            5 => self.uuid(),
            6 => {
                let n = 8 + self.below(14);
                self.alphanumeric(n)
            }
            _ => self.from("ABCDEFGHJKLMNPQRSTUVWXYZ", 3) + "-" + &self.digits(3, 5),
        }
    }
}

/// Destinations of mails.
pub(crate) fn links(n: usize, lexicon: &[String]) -> Vec<Item> {
    let mut random = Random { state: 1, lexicon };
    (0..n)
        .map(|number| {
            let scheme = if random.chance(97) { "https://" } else { "http://" };
            let mut url = format!("{scheme}{}", random.host());
            match random.below(3) {
                0 => retail(&mut random, &mut url),
                1 => news(&mut random, &mut url),
                _ => account(&mut random, &mut url),
            }
            if random.chance(62) {
                campaign_tags(&mut random, &mut url);
            }
            if random.chance(4) {
                url = url.replacen("https://", "http://", 1);
            }
            Item {
                text: url.into_bytes(),
                class: TextClass::Target,
                weight: 1.0,
                source: 1_000_000 + (number as u32 & 0xfff),
            }
        })
        .collect()
}

fn retail(random: &mut Random<'_>, url: &mut String) {
    let path = match random.below(12) {
        0 => format!("/products/{}", random.slug(2, 6)),
        1 => format!("/products/{}?variant={}", random.slug(2, 5), random.digits(11, 14)),
        2 => format!("/p/{}/{}", random.slug(2, 6), random.digits(5, 9)),
        3 => {
            format!("/{}/{}/{}-{}.html", random.word(), random.word(), random.slug(2, 5), random.digits(4, 9))
        }
        4 => format!("/collections/{}/products/{}", random.slug(1, 3), random.slug(2, 5)),
        5 => format!(
            "/{}-{}/{}/{}/",
            random.pick(&["en", "de", "fr", "es", "it", "nl"]),
            random.pick(&["us", "gb", "de", "fr", "ca", "ch"]),
            random.word(),
            random.slug(1, 3)
        ),
        6 => format!("/dp/B0{}", random.from("0123456789ABCDEFGHJKLMNPQRSTVWXYZ", 8)),
        7 => format!(
            "/c/{}/{}?sort={}&page={}",
            random.word(),
            random.slug(1, 3),
            random.pick(&["price-asc", "newest", "popular", "relevance", "price", "bestsellers"]),
            random.digits(1, 1)
        ),
        8 => format!(
            "/{}?id={}&color={}&size={}",
            random.pick(&["item", "product", "product.php", "detail.aspx", "shop/item"]),
            random.digits(4, 10),
            random.pick(WORDS),
            random.pick(&["s", "m", "l", "xl", "38", "40", "42", "10", "12"])
        ),
        9 => format!("/account/orders/{}", random.id()),
        10 => format!("/{}/{}", random.word(), random.slug(1, 4)),
        _ => format!(
            "/{}/{}/{}_{}.html?dwvar_{}_color={}&cgid={}",
            random.word(),
            random.word(),
            random.slug(1, 3),
            random.digits(5, 8),
            random.digits(5, 8),
            random.digits(2, 4),
            random.slug(1, 3)
        ),
    };
    url.push_str(&path);
    if random.chance(25) {
        let mark = if url.contains('?') { '&' } else { '?' };
        let more = match random.below(8) {
            0 => format!("sku={}", random.alphanumeric(9).to_uppercase()),
            1 => format!("recommendation_id={}", random.id()),
            2 => format!("coupon={}{}", random.pick(WORDS).to_uppercase(), random.digits(2, 2)),
            3 => format!("discount={}", random.pick(WORDS).to_uppercase()),
            4 => format!("list={}&pos={}", random.slug(1, 3), random.digits(1, 2)),
            5 => format!("product_id={}&quantity=1", random.digits(5, 10)),
            6 => format!("ref_=pe_{}_{}", random.digits(6, 8), random.digits(8, 9)),
            _ => format!("filter[{}]={}", random.word(), random.word()),
        };
        url.push(mark);
        url.push_str(&more);
    }
}

fn news(random: &mut Random<'_>, url: &mut String) {
    let path = match random.below(10) {
        0 => format!("/{}/{}/", random.date("/"), random.slug(4, 10)),
        1 => format!("/{}/{}/{}", random.word(), random.date("/"), random.slug(4, 9)),
        2 => format!("/{}/{}-{}", random.word(), random.slug(4, 9), random.digits(6, 9)),
        3 => format!("/{}/{}.html", random.word(), random.slug(4, 10)),
        4 => format!("/news/{}/{}", random.word(), random.slug(3, 9)),
        5 => format!("/article/{}/{}", random.digits(5, 8), random.slug(3, 8)),
        6 => format!("/{}/articles/{}", random.word(), random.alphanumeric(12)),
        7 => format!("/{}/{}/{}-a-{}.html", random.word(), random.word(), random.slug(4, 9), random.uuid()),
        8 => format!("/p/{}", random.slug(3, 8)),
        _ => format!("/blog/{}", random.slug(3, 9)),
    };
    url.push_str(&path);
    if random.chance(8) {
        url.push_str(&format!("#{}", random.slug(1, 2)));
    }
}

fn account(random: &mut Random<'_>, url: &mut String) {
    let path = match random.below(16) {
        0 => format!("/projects/{}/tasks/{}", random.id(), random.id()),
        1 => format!(
            "/settings/{}",
            random.pick(&["notifications", "profile", "billing", "account", "email", "security"])
        ),
        2 => format!("/invite/{}", random.base64(22)),
        3 => format!("/verify?token={}", random.hex(40)),
        4 => format!(
            "/confirm?email={}%40{}&token={}",
            random.pick(FIRST),
            random.pick(MAIL_HOSTS),
            random.base64(32)
        ),
        5 => format!("/d/{}/edit?usp=sharing", random.base64(44)),
        6 => format!("/{}/{}", random.word(), random.uuid()),
        7 => format!("/app/{}/dashboard", random.digits(4, 8)),
        8 => format!("/#/{}/{}", random.word(), random.id()),
        9 => format!("/browse/{}-{}", random.from("ABCDEFGHIKLMNOPRSTUW", 4), random.digits(2, 5)),
        10 => format!("/login?redirect=%2F{}%2F{}", random.word(), random.id()),
        11 => format!(
            "/{}?url=https%3A%2F%2F{}%2F{}",
            random.pick(&["redirect", "r", "link", "out", "login"]),
            random.host(),
            random.slug(1, 3)
        ),
        12 => format!("/help/articles/{}-{}", random.digits(6, 8), random.slug(3, 7)),
        13 => format!("/docs/{}/{}", random.word(), random.slug(1, 4)),
        14 => format!("/{}/{}?tab={}&view={}", random.word(), random.id(), random.word(), random.word()),
        _ => format!("/unsubscribe?uid={}&list={}", random.hex(10), random.hex(10)),
    };
    url.push_str(&path);
    if random.chance(12) {
        let mark = if url.contains('?') { '&' } else { '?' };
        url.push_str(&format!(
            "{mark}{}={}",
            random.pick(&[
                "notification_id",
                "user_id",
                "userId",
                "workspace",
                "team",
                "lang",
                "locale",
                "source",
                "ref",
                "from",
                "redirect_to",
                "session",
                "expires",
                "sig"
            ]),
            random.id()
        ));
    }
}

pub(crate) fn campaign_name(random: &mut Random<'_>) -> String {
    let join = random.pick(&["_", "-", "_", "-", "+", "%20"]);
    let n = 1 + random.below(4);
    let mut name = (0..n).map(|_| random.word()).collect::<Vec<_>>().join(join);
    match random.below(8) {
        0 => name = format!("{}{join}{name}", random.date("-")),
        1 => name = format!("{name}{join}{}", random.date("")),
        2 => name = format!("{name}{join}20{}", 20 + random.below(10)),
        3 => name = format!("{name}{join}{}", random.digits(1, 4)),
        4 => {
            name = format!("{}{join}{name}", random.pick(&["us", "uk", "de", "fr", "crm", "nl", "em", "eu"]))
        }
        5 => name = name.split(join).map(capital).collect::<Vec<_>>().join(join),
        _ => {}
    }
    name
}

pub(crate) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

fn campaign_tags(random: &mut Random<'_>, url: &mut String) {
    let fragment = url.find('#').map(|at| url.split_off(at));
    let mut tags = Vec::new();
    if random.chance(85) {
        let software = [
            "newsletter",
            "newsletter",
            "email",
            "email",
            "klaviyo",
            "mailchimp",
            "sfmc",
            "braze",
            "hubspot",
            "customer.io",
            "iterable",
            "sendgrid",
            "crm",
            "activecampaign",
            "emarsys",
            "transactional",
            "sendinblue",
            "brevo",
            "substack",
            "Newsletter",
            "eloqua",
            "marketo",
            "hs_email",
            "adobe",
            "bloomreach",
        ];
        let source =
            if random.chance(65) { random.pick(&software).to_string() } else { campaign_name(random) };
        tags.push(format!("utm_source={source}"));
        let medium = random.pick(&[
            "email",
            "email",
            "email",
            "email",
            "email",
            "Email",
            "newsletter",
            "crm",
            "e-mail",
            "mail",
            "lifecycle",
        ]);
        tags.push(format!("utm_medium={medium}"));
        tags.push(format!("utm_campaign={}", campaign_name(random)));
        if random.chance(60) {
            let content = match random.below(4) {
                0 => random
                    .pick(&[
                        "hero", "cta", "header", "footer", "button", "image", "logo", "text", "link",
                        "banner", "top", "bottom", "primary", "main", "nav",
                    ])
                    .to_string(),
                1 => format!(
                    "{}{}{}",
                    random.pick(&[
                        "hero", "cta", "header", "footer", "button", "image", "product", "banner", "module",
                        "block", "nav"
                    ]),
                    random.pick(&["_", "-", ""]),
                    random.digits(1, 2)
                ),
                2 => random.digits(6, 9),
                _ => campaign_name(random),
            };
            tags.push(format!("utm_content={content}"));
        }
        if random.chance(25) {
            tags.push(format!("utm_term={}", campaign_name(random)));
        }
        if random.chance(10) {
            tags.push(format!("utm_id={}", random.id()));
        }
        if random.chance(8) {
            let n = random.below(tags.len());
            let tag = tags.remove(n);
            tags.push(tag);
        }
    }
    for _ in 0..random.below(3) {
        let tag = match random.below(24) {
            0 => format!("mc_cid={}&mc_eid={}", random.hex(10), random.hex(10)),
            1 => format!("_hsenc=p2ANqtz-{}&_hsmi={}", random.base64(60), random.digits(8, 9)),
            2 => format!("_kx={}.{}", random.base64(43), random.alphanumeric(6)),
            3 => format!("gclid={}", random.base64(55)),
            4 => format!("fbclid=IwAR{}", random.base64(57)),
            5 => format!("ck_subscriber_id={}", random.digits(9, 10)),
            6 => format!("vero_id={}&vero_conv={}", random.digits(5, 9), random.base64(30)),
            7 => format!("cid={}", random.id()),
            8 => format!("ref={}", random.slug(1, 2)),
            9 => format!("src={}", random.word()),
            10 => format!("uid={}", random.id()),
            11 => format!("sid={}", random.id()),
            12 => format!("email={}%40{}", random.pick(FIRST), random.pick(MAIL_HOSTS)),
            13 => format!("e={}", random.hex(32)),
            14 => format!("trk={}&trkEmail={}", random.slug(2, 3), random.base64(20)),
            15 => format!("mkt_tok={}", random.base64(50)),
            16 => format!("s_kwcid={}", random.id()),
            17 => format!("mid={}&jid={}", random.digits(6, 9), random.digits(5, 9)),
            18 => format!("sfmc_id={}&sfmc_activityid={}", random.digits(8, 9), random.uuid()),
            19 => format!("subscriber_id={}", random.digits(6, 10)),
            20 => format!("campaign_id={}", random.id()),
            21 => format!("et_rid={}", random.digits(9, 10)),
            22 => format!(
                "dm_i={},{},{},{},1",
                random.from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 3),
                random.from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 5),
                random.from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 6),
                random.from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 5)
            ),
            _ => format!(
                "{}={}",
                random.pick(&[
                    "token",
                    "hash",
                    "sig",
                    "key",
                    "h",
                    "u",
                    "c",
                    "id",
                    "t",
                    "m",
                    "user",
                    "contact",
                    "client_id"
                ]),
                random.id()
            ),
        };
        tags.push(tag);
    }
    for tag in tags {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(&tag);
    }
    url.push_str(&fragment.unwrap_or_default());
}
