//! What a person sees.

use super::*;
