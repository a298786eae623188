//! Logarithm and exponential from sums and products alone, so that the last bit is the same on any machine.

const LN_2: f64 = std::f64::consts::LN_2;

/// Natural logarithm of a positive number.
pub fn ln(x: f64) -> f64 {
    if x <= 0.0 || !x.is_finite() {
        return if x == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    }
    let bits = x.to_bits();
    let raised = (bits >> 52) as i64;
    if raised == 0 {
        return ln(x * (1u64 << 54) as f64) - 54.0 * LN_2;
    }
    let (mut m, mut e) = (f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52)), raised - 1023);
    if m > std::f64::consts::SQRT_2 {
        m /= 2.0;
        e += 1;
    }
    // ln m = 2 atanh((m - 1) / (m + 1))
    let s = (m - 1.0) / (m + 1.0);
    let (square, mut power, mut sum) = (s * s, s, 0.0);
    for k in 0..14 {
        sum += power / f64::from(2 * k + 1);
        power *= square;
    }
    2.0 * sum + e as f64 * LN_2
}

/// e to the power of `x`; at most e to the 700.
pub fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let n = (x / LN_2).round();
    let r = x - n * LN_2;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..18 {
        term *= r / f64::from(k);
        sum += term;
    }
    sum * f64::from_bits(((n as i64 + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_agree_with_the_library() {
        for i in 1..2_000 {
            let x = f64::from(i) * 0.037;
            assert!((ln(x) - x.ln()).abs() < 1e-14 * (1.0 + x.ln().abs()), "{x}");
            assert!((exp(x - 30.0) / (x - 30.0).exp() - 1.0).abs() < 1e-13, "{x}");
        }
        assert_eq!(ln(1.0), 0.0);
        assert!((ln(5e-324) - (-744.440_071_921_381_2)).abs() < 1e-9);
    }
}
