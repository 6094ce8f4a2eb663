//! The settings of one source: a stream, the caller, the configuration.

use std::fmt;

use crate::token::TrackingDomain;

/// A setting that a stream sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Setting {
    /// The three switches of links and pixels together.
    Tracking,
    /// Links.
    ClickTracking,
    /// The pixel at the end.
    OpenTracking,
    /// The pixel at the start.
    InitialOpen,
    /// Links in plain text, where links are tracked at all.
    TextLinks,
    /// Where tracking links point.
    TrackingDomain,
    /// The customer whose mail this is.
    CustomerId,
    /// The customer's own customer.
    Subaccount,
    /// The campaign.
    Campaign,
    /// The pool of sending addresses.
    Pool,
}

impl Setting {
    /// Every setting, in the order of the documentation.
    pub const ALL: [Setting; 10] = [
        Setting::Tracking,
        Setting::ClickTracking,
        Setting::OpenTracking,
        Setting::InitialOpen,
        Setting::TextLinks,
        Setting::TrackingDomain,
        Setting::CustomerId,
        Setting::Subaccount,
        Setting::Campaign,
        Setting::Pool,
    ];

    /// The name of the configuration file, such as `click-tracking`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Setting::Tracking => "tracking",
            Setting::ClickTracking => "click-tracking",
            Setting::OpenTracking => "open-tracking",
            Setting::InitialOpen => "initial-open",
            Setting::TextLinks => "text-links",
            Setting::TrackingDomain => "tracking-domain",
            Setting::CustomerId => "customer-id",
            Setting::Subaccount => "subaccount",
            Setting::Campaign => "campaign",
            Setting::Pool => "pool",
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one source sets; what it does not set is left to the sources below it.
///
/// ```
/// use openclick::TrackingDomain;
/// use openclick::stream::Layer;
///
/// let receipts = Layer::new()
///     .tracking(false)
///     .tracking_domain(TrackingDomain::parse("t.receipts.example")?)
///     .campaign("receipts");
/// # Ok::<(), openclick::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layer {
    tracking: Option<bool>,
    click_tracking: Option<bool>,
    open_tracking: Option<bool>,
    initial_open: Option<bool>,
    pub(super) text_links: Option<bool>,
    pub(super) tracking_domain: Option<TrackingDomain>,
    pub(super) customer_id: Option<u64>,
    pub(super) subaccount: Option<String>,
    pub(super) campaign: Option<String>,
    pub(super) pool: Option<String>,
}

impl Layer {
    /// Nothing is set.
    #[must_use]
    pub fn new() -> Layer {
        Layer::default()
    }

    /// Links and both pixels together. A switch of one of them that is set beside it, in whatever order, is more exact and
    /// stands above.
    #[must_use]
    pub fn tracking(mut self, on: bool) -> Layer {
        self.tracking = Some(on);
        self
    }

    /// Links.
    #[must_use]
    pub fn click_tracking(mut self, on: bool) -> Layer {
        self.click_tracking = Some(on);
        self
    }

    /// The pixel at the end.
    #[must_use]
    pub fn open_tracking(mut self, on: bool) -> Layer {
        self.open_tracking = Some(on);
        self
    }

    /// The pixel at the start.
    #[must_use]
    pub fn initial_open(mut self, on: bool) -> Layer {
        self.initial_open = Some(on);
        self
    }

    /// Links in plain text, where links are tracked at all.
    #[must_use]
    pub fn text_links(mut self, on: bool) -> Layer {
        self.text_links = Some(on);
        self
    }

    /// Where tracking links point.
    #[must_use]
    pub fn tracking_domain(mut self, domain: TrackingDomain) -> Layer {
        self.tracking_domain = Some(domain);
        self
    }

    /// The customer whose mail this is.
    #[must_use]
    pub fn customer_id(mut self, id: u64) -> Layer {
        self.customer_id = Some(id);
        self
    }

    /// The customer's own customer.
    #[must_use]
    pub fn subaccount(mut self, id: impl Into<String>) -> Layer {
        self.subaccount = Some(id.into());
        self
    }

    /// The campaign.
    #[must_use]
    pub fn campaign(mut self, name: impl Into<String>) -> Layer {
        self.campaign = Some(name.into());
        self
    }

    /// The pool of sending addresses.
    #[must_use]
    pub fn pool(mut self, name: impl Into<String>) -> Layer {
        self.pool = Some(name.into());
        self
    }

    /// Whether it has a value for a setting; [`Setting::Tracking`] is all three switches.
    #[must_use]
    pub fn sets(&self, setting: Setting) -> bool {
        match setting {
            Setting::Tracking => {
                self.links().is_some() && self.bottom_pixel().is_some() && self.top_pixel().is_some()
            }
            Setting::ClickTracking => self.links().is_some(),
            Setting::OpenTracking => self.bottom_pixel().is_some(),
            Setting::InitialOpen => self.top_pixel().is_some(),
            Setting::TextLinks => self.text_links.is_some(),
            Setting::TrackingDomain => self.tracking_domain.is_some(),
            Setting::CustomerId => self.customer_id.is_some(),
            Setting::Subaccount => self.subaccount.is_some(),
            Setting::Campaign => self.campaign.is_some(),
            Setting::Pool => self.pool.is_some(),
        }
    }

    /// The tracking domain, if it sets one.
    pub(crate) fn domain(&self) -> Option<&TrackingDomain> {
        self.tracking_domain.as_ref()
    }

    pub(super) fn links(&self) -> Option<bool> {
        self.click_tracking.or(self.tracking)
    }

    pub(super) fn bottom_pixel(&self) -> Option<bool> {
        self.open_tracking.or(self.tracking)
    }

    pub(super) fn top_pixel(&self) -> Option<bool> {
        self.initial_open.or(self.tracking)
    }
}
