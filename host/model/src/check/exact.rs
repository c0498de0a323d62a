//! Exact decimals: a result that does not fit is absent.
//!
//! `rust_decimal` silently rounds a result that does not fit its 28 digits, which a comparison to the cent cannot
//! use.

use std::fmt;

/// Digits of a decimal in the vocabulary.
const MAX_DIGITS: usize = 28;

/// `mantissa / 10^scale`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exact {
    mantissa: i128,
    scale: u32,
}

impl Exact {
    pub(super) const ZERO: Self = Self { mantissa: 0, scale: 0 };

    /// Parses a decimal of the vocabulary. Absent when the text is not one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.as_bytes() {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let (mut mantissa, mut count, mut scale, mut point) = (0i128, 0usize, 0u32, false);
        let (first, last) = (digits.first()?, digits.last()?);
        if !first.is_ascii_digit() || !last.is_ascii_digit() {
            return None;
        }
        for byte in digits {
            match byte {
                b'0'..=b'9' => {
                    count += 1;
                    if count > MAX_DIGITS {
                        return None;
                    }
                    mantissa = mantissa * 10 + i128::from(byte - b'0');
                    scale += u32::from(point);
                }
                b'.' if !point => point = true,
                _ => return None,
            }
        }
        Some(Self { mantissa: if negative { -mantissa } else { mantissa }, scale })
    }

    pub(super) fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    pub(super) fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let mantissa = self.at(scale)?.checked_add(other.at(scale)?)?;
        Some(Self { mantissa, scale })
    }

    pub(super) fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self { mantissa: -other.mantissa, ..other })
    }

    pub(super) fn times(self, other: Self) -> Option<Self> {
        let mantissa = self.mantissa.checked_mul(other.mantissa)?;
        Some(Self { mantissa, scale: self.scale + other.scale })
    }

    /// True when it has at most this many decimals, not counting trailing zeros.
    pub(super) fn fits(self, decimals: u32) -> bool {
        self.normal().scale <= decimals
    }

    fn at(self, scale: u32) -> Option<i128> {
        self.mantissa.checked_mul(10i128.checked_pow(scale.checked_sub(self.scale)?)?)
    }

    /// Without trailing zeros.
    fn normal(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (self.normal(), other.normal());
        one.mantissa == other.mantissa && one.scale == other.scale
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // At least two decimals, as people write money.
        let mut shown = self.normal();
        if let (true, Some(mantissa)) = (shown.scale < 2, shown.at(2)) {
            shown = Self { mantissa, scale: 2 };
        }
        let width = shown.scale as usize + 1;
        let digits = format!("{:0width$}", shown.mantissa.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(shown.scale as usize));
        let sign = if shown.mantissa < 0 { "-" } else { "" };
        if fraction.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fraction}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Exact {
        Exact::parse(text).unwrap()
    }

    #[test]
    fn a_decimal_is_parsed_by_its_grammar() {
        for good in ["0", "12", "-0.50", "0.0725", "007", "-0", "1234567890123456789012345678"] {
            assert!(Exact::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "-",
            ".5",
            "5.",
            "1e3",
            "+1",
            "1,5",
            " 1",
            "1 ",
            "1.2.3",
            "--1",
            "NaN",
            "１",
            "12345678901234567890123456789",
            "example string",
        ] {
            assert!(Exact::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn sums_are_exact_with_any_number_of_decimals() {
        assert_eq!(exact("0.1").plus(exact("0.2")).unwrap(), exact("0.30"));
        assert_eq!(exact("19.99").times(exact("0.42")).unwrap(), exact("8.3958"));
        assert_eq!(exact("1").minus(exact("1.005")).unwrap().to_string(), "-0.005");
        assert_ne!(exact("1.00"), exact("1.0000000001"));
    }

    #[test]
    fn a_result_that_does_not_fit_is_absent() {
        let most = exact("9999999999999999999999999999");
        assert!(most.times(most).is_none());
        assert!(most.plus(exact("0.000000000000000000000000001")).is_none());
    }

    #[test]
    fn a_decimal_is_displayed_like_money() {
        for (text, shown) in
            [("409.94", "409.94"), ("5", "5.00"), ("-0.5", "-0.50"), ("0.0725", "0.0725"), ("0", "0.00")]
        {
            assert_eq!(exact(text).to_string(), shown);
        }
    }
}
