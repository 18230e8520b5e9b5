//! Prices in cents of a US dollar, and the rule that ties a price to its model.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// How an agent is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PricingModel {
    /// It costs nothing.
    Free,
    /// It costs its price.
    Paid,
    /// It costs nothing at first; the price is for more.
    Freemium,
}

impl PricingModel {
    /// Every model.
    pub const ALL: [Self; 3] = [Self::Free, Self::Paid, Self::Freemium];

    /// The word for it on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Paid => "paid",
            Self::Freemium => "freemium",
        }
    }
}

impl FromStr for PricingModel {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|model| model.as_str() == text)
            .ok_or_else(|| Invalid::new("must be one of free, paid, freemium"))
    }
}

/// An amount of money in cents of a US dollar, from 0 to 1,000,000 dollars. Exact: no floating point is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Price(i64);

impl Price {
    /// Nothing to pay.
    pub const ZERO: Self = Self(0);
    /// The highest price: 1,000,000 dollars.
    pub const MAX: Self = Self(100_000_000);

    /// A price of that many cents.
    ///
    /// # Errors
    /// [`Invalid`] below zero or above [`Price::MAX`].
    pub fn from_cents(cents: i64) -> Result<Self, Invalid> {
        if (0..=Self::MAX.0).contains(&cents) {
            Ok(Self(cents))
        } else {
            Err(Invalid::new("must be between 0 and 1000000"))
        }
    }

    /// The amount in cents.
    pub fn cents(self) -> i64 {
        self.0
    }

    /// The amount in dollars, for a JSON number. Exact to the cent for every price.
    #[expect(clippy::cast_precision_loss, reason = "a price has at most 9 digits; f64 keeps 15")]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 100.0
    }

    /// The price that a number of dollars means, if it is whole cents.
    ///
    /// ```
    /// # use aios_domain::Price;
    /// assert_eq!(Price::from_dollars(9.99)?.cents(), 999);
    /// assert!(Price::from_dollars(0.001).is_err());
    /// assert!(Price::from_dollars(f64::NAN).is_err());
    /// # Ok::<(), aios_domain::Invalid>(())
    /// ```
    ///
    /// # Errors
    /// [`Invalid`] out of range, or with more than two decimals.
    pub fn from_dollars(dollars: f64) -> Result<Self, Invalid> {
        let cents = (dollars * 100.0).round();
        if !(0.0..=100_000_000.0).contains(&cents) {
            return Err(Invalid::new("must be between 0 and 1000000"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole, and within range: checked just above"
        )]
        let price = Self(cents as i64);
        // The decimal a client wrote and the price's own are the same double exactly when there is nothing beyond cents.
        if price.dollars().to_bits() == (dollars + 0.0).to_bits() {
            Ok(price)
        } else {
            Err(Invalid::new("must have at most two decimals"))
        }
    }
}

impl TryFrom<i64> for Price {
    type Error = Invalid;

    fn try_from(cents: i64) -> Result<Self, Invalid> {
        Self::from_cents(cents)
    }
}

impl From<Price> for i64 {
    fn from(price: Price) -> Self {
        price.0
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// A model and the price that goes with it: a free agent costs 0, a paid one more than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Pricing {
    model: PricingModel,
    price: Price,
}

/// A model and a price that need not go together.
#[derive(Deserialize)]
struct Unchecked {
    model: PricingModel,
    price: Price,
}

impl TryFrom<Unchecked> for Pricing {
    type Error = Invalid;

    fn try_from(parts: Unchecked) -> Result<Self, Invalid> {
        Self::new(parts.model, parts.price)
    }
}

impl Pricing {
    /// For agents that cost nothing.
    pub const FREE: Self = Self {
        model: PricingModel::Free,
        price: Price::ZERO,
    };

    /// The pair, where it makes sense.
    ///
    /// # Errors
    /// [`Invalid`], about the price, for a free agent with a price or a paid one without.
    pub fn new(model: PricingModel, price: Price) -> Result<Self, Invalid> {
        match (model, price) {
            (PricingModel::Free, price) if price > Price::ZERO => Err(Invalid::new("must be 0 for a free agent")),
            (PricingModel::Paid, Price::ZERO) => Err(Invalid::new("must be above 0 for a paid agent")),
            _ => Ok(Self { model, price }),
        }
    }

    /// How it is sold.
    pub fn model(self) -> PricingModel {
        self.model
    }

    /// What it costs.
    pub fn price(self) -> Price {
        self.price
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn every_price_survives_the_way_through_a_json_number(cents in 0_i64..=100_000_000) {
            let price = Price::from_cents(cents).unwrap();
            let json = serde_json::to_string(&price.dollars()).unwrap();
            let read: f64 = serde_json::from_str(&json).unwrap();
            proptest::prop_assert_eq!(Price::from_dollars(read), Ok(price));
        }
    }

    #[test]
    fn a_price_follows_its_model() {
        let one = Price::from_cents(1).unwrap();
        assert!(Pricing::new(PricingModel::Free, Price::ZERO).is_ok());
        assert!(Pricing::new(PricingModel::Free, one).is_err());
        assert!(Pricing::new(PricingModel::Paid, Price::ZERO).is_err());
        assert!(Pricing::new(PricingModel::Paid, one).is_ok());
        assert!(Pricing::new(PricingModel::Freemium, Price::ZERO).is_ok());
        assert!(Pricing::new(PricingModel::Freemium, one).is_ok());
    }

    #[test]
    fn amounts_out_of_range_are_refused() {
        for dollars in [-0.01, 1_000_000.01, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e300] {
            assert!(Price::from_dollars(dollars).is_err(), "{dollars}");
        }
        assert_eq!(Price::from_dollars(-0.0), Ok(Price::ZERO));
        assert_eq!(Price::from_cents(1_050).unwrap().to_string(), "10.50");
    }
}
