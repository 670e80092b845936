//! Amounts and costs, exact: integers throughout, no floating point.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

// Held in thousandths.
/// A decimal, 0 or more, with at most three places: a plain JSON number (`1.5`, `150`) without trailing zeros.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = f64, minimum = 0, maximum = 999_999_999_999.999, multiple_of = 0.001, example = 1.5)]
pub(crate) struct Amount(u64);

/// The text is not an [`Amount`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AmountError;

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount is a decimal number, 0 or more, with at most three places, below 10^12")
    }
}

impl std::error::Error for AmountError {}

impl Amount {
    /// `10^12 - 0.001`: far above any kitchen's, and small enough that a cost cannot overflow 128 bits.
    pub(crate) const MAX: Self = Self(999_999_999_999_999);

    /// From thousandths; `None` above [`Amount::MAX`].
    #[must_use]
    pub(crate) const fn from_thousandths(thousandths: u64) -> Option<Self> {
        if thousandths <= Self::MAX.0 { Some(Self(thousandths)) } else { None }
    }

    /// A thousandth is the unit.
    #[must_use]
    pub(crate) const fn thousandths(self) -> u64 {
        self.0
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    /// `digits[.digits]`; trailing zeros beyond three places are harmless, any other digit there is not.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(places) || whole.len() > 12 {
            return Err(AmountError);
        }
        let (kept, beyond) = places.split_at(places.len().min(3));
        if beyond.bytes().any(|b| b != b'0') {
            return Err(AmountError);
        }
        let whole: u64 = whole.parse().map_err(|_| AmountError)?;
        let kept: u64 = format!("{kept:0<3}").parse().map_err(|_| AmountError)?;
        Self::from_thousandths(whole * 1000 + kept).ok_or(AmountError)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, places) = (self.0 / 1000, self.0 % 1000);
        if places == 0 {
            return write!(f, "{whole}");
        }
        write!(f, "{whole}.{}", format!("{places:03}").trim_end_matches('0'))
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = RawValue::from_string(self.to_string()).map_err(ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The number's own digits, not an f64's nearest: 0.005 must stay 0.005.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        raw.get().parse().map_err(de::Error::custom)
    }
}

/// `round_half_up(amount × price / per)` in the currency's minor unit: `price` buys `per` units.
/// `None` when `per` is zero or the result does not fit.
#[must_use]
pub(crate) fn cost(amount: Amount, price: u64, per: Amount) -> Option<u64> {
    // Both amounts are in thousandths, so the thousands cancel.
    divide_half_up(u128::from(amount.0) * u128::from(price), u128::from(per.0))
}

/// `round_half_up(total / servings)`; `None` when `servings` is zero.
#[must_use]
pub(crate) fn cost_per_serving(total: u64, servings: u32) -> Option<u64> {
    divide_half_up(u128::from(total), u128::from(servings))
}

fn divide_half_up(numerator: u128, denominator: u128) -> Option<u64> {
    let quotient = numerator.checked_div(denominator)?;
    let up = (numerator % denominator) * 2 >= denominator;
    u64::try_from(quotient + u128::from(up)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Amount, cost, cost_per_serving};

    #[test]
    fn a_sack_of_rice_is_shared_out_exactly() {
        let amount = |text: &str| text.parse::<Amount>().expect("an amount");
        assert_eq!(cost(amount("150"), 62_000, amount("20000")), Some(465));
        assert_eq!(cost(amount("0.5"), 1, amount("1")), Some(1), "half rounds up");
        assert_eq!(cost(amount("0.499"), 1, amount("1")), Some(0));
        assert_eq!(cost(amount("1"), 1, amount("0")), None);
        assert_eq!(cost(Amount::MAX, u64::MAX, amount("0.001")), None);
        assert_eq!(cost_per_serving(10, 4), Some(3));
        assert_eq!(cost_per_serving(10, 0), None);
    }

    #[test]
    fn numbers_that_are_no_amount_are_refused() {
        for bad in ["-1", "1e3", "0.0001", "1000000000000", "\"1\"", "null", "1.", ".5", "NaN"] {
            assert!(serde_json::from_str::<Amount>(bad).is_err(), "{bad}");
        }
    }

    /// Long division, digit by digit: slow and obviously right.
    fn slow_cost(thousandths: u64, price: u64, per: u64) -> u128 {
        let mut product = 0_u128;
        for bit in 0..64 {
            if price >> bit & 1 == 1 {
                product += u128::from(thousandths) << bit;
            }
        }
        let (mut quotient, mut rest) = (0_u128, 0_u128);
        for digit in product.to_string().bytes() {
            rest = rest * 10 + u128::from(digit - b'0');
            let mut times = 0;
            while rest >= u128::from(per) {
                rest -= u128::from(per);
                times += 1;
            }
            quotient = quotient * 10 + times;
        }
        if rest + rest >= u128::from(per) { quotient + 1 } else { quotient }
    }

    proptest! {
        #[test]
        fn cost_equals_long_division(thousandths in 0..=Amount::MAX.0, price in any::<u64>(), per in 1..=Amount::MAX.0) {
            let fast = cost(Amount(thousandths), price, Amount(per));
            let slow = slow_cost(thousandths, price, per);
            prop_assert_eq!(fast.map(u128::from), u64::try_from(slow).ok().map(u128::from));
        }

        #[test]
        fn an_amount_survives_the_wire(thousandths in 0..=Amount::MAX.0) {
            let json = serde_json::to_string(&Amount(thousandths)).expect("serialises");
            prop_assert_eq!(serde_json::from_str::<Amount>(&json).expect("reads"), Amount(thousandths));
        }
    }
}
