//! The grid behind the default estimator of an effect: for every noise, trend and curve the log weight of that way in which daily
//! rates may have come about, all of it linear algebra of small matrices. What it means is in `spamtide.measure.latent`; a test holds
//! it against the same written densely (`tests/dense_latent.py`).

/// A way in which the level may have moved by itself: one column of `Days::fixed` beyond the steady ones, or none.
pub struct Trend {
    /// Whether it has a column; those of all trends stand in their order.
    pub column: bool,
    /// Prior mean of its coefficient.
    pub mean: f64,
    /// Prior sd of its coefficient.
    pub sd: f64,
    /// Prior weight.
    pub weight: f64,
    /// A turn goes with curves that do not wobble.
    pub turn: bool,
}

/// One member of a shape: columns over the days after the cut, row by row.
pub struct Curve {
    /// So many values as days after the cut times `width`.
    pub columns: Vec<f64>,
    /// How many columns.
    pub width: usize,
    /// Sd of the path that it may stray by; 0 where it does not.
    pub wobble: f64,
    /// Prior weight.
    pub weight: f64,
}

/// The noise of days: correlation of neighbours, spread, share that has no memory.
#[derive(Clone, Copy)]
pub struct Noise {
    /// Correlation of two days that follow each other.
    pub rho: f64,
    /// Standard deviation of the log rate.
    pub sigma: f64,
    /// Share of the variance that has no memory.
    pub nugget: f64,
}

/// The live days. `n` is their number.
pub struct Days {
    /// Columns of n values, one after the other: steady ones, then those of trends.
    pub fixed: Vec<f64>,
    /// How many columns are steady, by their prior sds.
    pub sds: Vec<f64>,
    /// Days between neighbours, n - 1.
    pub gaps: Vec<f64>,
    /// Log rates.
    pub z: Vec<f64>,
    /// Their variances.
    pub v: Vec<f64>,
    /// Which days are after the cut, in order.
    pub after: Vec<usize>,
    /// Diagonal and off-diagonal of the precision of a path over these days, and its log determinant.
    pub drift: (Vec<f64>, Vec<f64>, f64),
    /// Prior sd of the coefficients of curves.
    pub beta_sd: f64,
}

/// What one noise makes of the days.
struct Inner {
    alone: f64,
    gram: Vec<f64>,
    against: Vec<f64>,
    rows: Vec<f64>,
    after_z: Vec<f64>,
    block: Vec<f64>,
}

/// The grid: noises, in each of them curves, in each of these trends.
pub struct Grid {
    days: Days,
    trends: Vec<Trend>,
    curves: Vec<Curve>,
    /// (curve, trend) of the points of one noise.
    kinds: Vec<(usize, usize)>,
    inners: Vec<Inner>,
    /// The log weight of each point.
    pub log_weights: Vec<f64>,
}

/// Factor and mean of the coefficients of one point: columns kept, of the curve, of the path.
pub struct Point {
    /// Upper triangle U with U'U the precision, row by row.
    pub root: Vec<f64>,
    /// Posterior mean.
    pub mean: Vec<f64>,
}

impl Grid {
    /// Weigh every point; none where a matrix that must be positive is not.
    pub fn of(days: Days, trends: Vec<Trend>, curves: Vec<Curve>, noises: &[Noise]) -> Option<Self> {
        let mut kinds = Vec::new();
        for (c, curve) in curves.iter().enumerate() {
            kinds.extend(
                (0..trends.len())
                    .filter(|&t| !(trends[t].turn && curve.wobble > 0.0))
                    .map(|t| (c, t)),
            );
        }
        let inners = noises
            .iter()
            .map(|noise| inner_of(&days, *noise))
            .collect::<Option<Vec<_>>>()?;
        let mut grid = Self {
            days,
            trends,
            curves,
            kinds,
            inners,
            log_weights: Vec::new(),
        };
        let mut weights = Vec::with_capacity(grid.inners.len() * grid.kinds.len());
        for inner in &grid.inners {
            for &(curve, trend) in &grid.kinds {
                weights.push(grid.weigh(inner, curve, trend)?);
            }
        }
        grid.log_weights = weights;
        Some(grid)
    }

    /// One point, by its place among the weights.
    pub fn point(&self, place: usize) -> Option<Point> {
        let (curve, trend) = self.kinds[place % self.kinds.len()];
        let (mut precision, h, _) = self.system(self.inners.get(place / self.kinds.len())?, curve, trend);
        let size = h.len();
        factor(&mut precision, size)?;
        let mut mean = h;
        forward(&precision, size, &mut mean);
        backward(&precision, size, &mut mean);
        let mut root = vec![0.0; size * size];
        for i in 0..size {
            for j in 0..=i {
                root[j * size + i] = precision[i * size + j];
            }
        }
        Some(Point { root, mean })
    }

    fn weigh(&self, inner: &Inner, curve: usize, trend: usize) -> Option<f64> {
        let (mut precision, mut h, log_prior) = self.system(inner, curve, trend);
        let size = h.len();
        let logdet = factor(&mut precision, size)?;
        forward(&precision, size, &mut h);
        let quadratic: f64 = h.iter().map(|x| x * x).sum();
        let weight = self.trends[trend].weight * self.curves[curve].weight;
        Some(inner.alone + 0.5 * (quadratic - logdet - log_prior) + weight.ln())
    }

    /// Precision (its lower triangle), right side, and minus twice the log of the prior where all coefficients are 0, up to a constant.
    fn system(&self, inner: &Inner, curve: usize, trend: usize) -> (Vec<f64>, Vec<f64>, f64) {
        let (curve, trend) = (&self.curves[curve], self.column_of(trend));
        let (p, m, k) = (inner.against.len(), self.days.after.len(), curve.width);
        let mut kept: Vec<usize> = (0..self.days.sds.len()).collect();
        let mut sds = self.days.sds.clone();
        let mut prior_mean = None;
        if let Some((column, found)) = trend {
            prior_mean = Some((kept.len(), found.mean / found.sd.powi(2)));
            kept.push(column);
            sds.push(found.sd);
        }
        let path = if curve.wobble > 0.0 { m } else { 0 };
        let size = kept.len() + k + path;
        let (mut precision, mut h) = (vec![0.0; size * size], vec![0.0; size]);
        for (i, &a) in kept.iter().enumerate() {
            for (j, &b) in kept.iter().take(i + 1).enumerate() {
                precision[i * size + j] = inner.gram[a * p + b];
            }
            precision[i * size + i] += sds[i].powi(-2);
            h[i] = inner.against[a];
        }
        if let Some((row, pull)) = prior_mean {
            h[row] += pull;
        }
        // The block of the days after the cut times the curve's columns.
        let mut product = vec![0.0; m * k];
        for i in 0..m {
            for j in 0..m {
                let b = inner.block[i * m + j];
                for c in 0..k {
                    product[i * k + c] += b * curve.columns[j * k + c];
                }
            }
        }
        for c in 0..k {
            let row = kept.len() + c;
            for (j, &b) in kept.iter().enumerate() {
                precision[row * size + j] = (0..m).map(|i| curve.columns[i * k + c] * inner.rows[i * p + b]).sum();
            }
            for d in 0..=c {
                precision[row * size + kept.len() + d] =
                    (0..m).map(|i| curve.columns[i * k + c] * product[i * k + d]).sum();
            }
            precision[row * size + row] += self.days.beta_sd.powi(-2);
            h[row] = (0..m).map(|i| curve.columns[i * k + c] * inner.after_z[i]).sum();
        }
        let mut log_prior = 2.0 * sds.iter().map(|sd| sd.ln()).sum::<f64>() + 2.0 * k as f64 * self.days.beta_sd.ln();
        log_prior += trend.map_or(0.0, |(_, found)| (found.mean / found.sd).powi(2));
        if path > 0 {
            let (first, variance) = (kept.len() + k, curve.wobble * curve.wobble);
            let (main, off, logdet) = &self.days.drift;
            for i in 0..m {
                let row = first + i;
                for (j, &b) in kept.iter().enumerate() {
                    precision[row * size + j] = inner.rows[i * p + b];
                }
                for c in 0..k {
                    precision[row * size + kept.len() + c] = product[i * k + c];
                }
                for j in 0..=i {
                    precision[row * size + first + j] = inner.block[i * m + j];
                }
                precision[row * size + row] += main[i] / variance;
                if i > 0 {
                    precision[row * size + row - 1] += off[i - 1] / variance;
                }
                h[row] = inner.after_z[i];
            }
            log_prior += 2.0 * m as f64 * curve.wobble.ln() - logdet;
        }
        (precision, h, log_prior)
    }

    /// Column and prior of a trend that has one.
    fn column_of(&self, trend: usize) -> Option<(usize, &Trend)> {
        let before = self.trends.iter().take(trend).filter(|t| t.column).count();
        let found = &self.trends[trend];
        found.column.then_some((self.days.sds.len() + before, found))
    }
}

fn inner_of(days: &Days, noise: Noise) -> Option<Inner> {
    let (n, m) = (days.z.len(), days.after.len());
    let p = days.fixed.len() / n;
    let variance = noise.sigma * noise.sigma;
    let independent: Vec<f64> = days.v.iter().map(|v| v + variance * noise.nugget).collect();
    let solver = Solver::of(&days.gaps, noise.rho, variance * (1.0 - noise.nugget), independent)?;
    let mut solved = days.fixed.clone();
    solved.chunks_exact_mut(n).for_each(|column| solver.solve(column));
    let mut of_z = days.z.clone();
    solver.solve(&mut of_z);
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(x, y)| x * y).sum() };
    let column = |of: usize| &days.fixed[of * n..(of + 1) * n];
    let mut gram = vec![0.0; p * p];
    // Its lower triangle is all that is read.
    for a in 0..p {
        for b in 0..=a {
            gram[a * p + b] = dot(column(a), &solved[b * n..(b + 1) * n]);
        }
    }
    let against = (0..p).map(|a| dot(column(a), &of_z)).collect();
    let (mut rows, mut block, mut unit) = (vec![0.0; m * p], vec![0.0; m * m], vec![0.0; n]);
    for (i, &day) in days.after.iter().enumerate() {
        for b in 0..p {
            rows[i * p + b] = solved[b * n + day];
        }
        unit.fill(0.0);
        unit[day] = 1.0;
        solver.solve(&mut unit);
        for (j, &other) in days.after.iter().enumerate() {
            block[j * m + i] = unit[other];
        }
    }
    let after_z = days.after.iter().map(|&day| of_z[day]).collect();
    let alone = -0.5 * (dot(&days.z, &of_z) + solver.logdet + (noise.sigma / 0.3).ln().powi(2));
    Some(Inner {
        alone,
        gram,
        against,
        rows,
        after_z,
        block,
    })
}

/// A = AR(1) + D, factored: `spamtide.measure.noise`, which says whence.
struct Solver {
    independent: Vec<f64>,
    d: Vec<f64>,
    e: Vec<f64>,
    logdet: f64,
}

impl Solver {
    fn of(gaps: &[f64], rho: f64, variance: f64, independent: Vec<f64>) -> Option<Self> {
        let n = gaps.len() + 1;
        let (mut d, mut e) = (vec![1.0; n], vec![0.0; n - 1]);
        let mut logdet_q = -(n as f64) * variance.ln();
        for (i, gap) in gaps.iter().enumerate() {
            let r = rho.powf(*gap);
            let left = 1.0 / (1.0 - r * r);
            d[i] += r * r * left;
            d[i + 1] += r * r * left;
            e[i] = -r * left / variance;
            logdet_q -= (-(r * r)).ln_1p();
        }
        for (x, own) in d.iter_mut().zip(&independent) {
            *x = *x / variance + 1.0 / own;
        }
        for i in 0..n - 1 {
            let off = e[i];
            e[i] = off / d[i];
            d[i + 1] -= off * e[i];
        }
        if d.iter().any(|x| *x <= 0.0 || x.is_nan()) {
            return None;
        }
        let logdet = independent.iter().chain(&d).map(|x| x.ln()).sum::<f64>() - logdet_q;
        Some(Self {
            independent,
            d,
            e,
            logdet,
        })
    }

    /// A^-1 times a column, in its place.
    fn solve(&self, column: &mut [f64]) {
        let n = column.len();
        for (x, own) in column.iter_mut().zip(&self.independent) {
            *x /= own;
        }
        let mut inner = column.to_vec();
        for i in 1..n {
            inner[i] -= inner[i - 1] * self.e[i - 1];
        }
        inner[n - 1] /= self.d[n - 1];
        for i in (0..n - 1).rev() {
            inner[i] = inner[i] / self.d[i] - inner[i + 1] * self.e[i];
        }
        for ((x, y), own) in column.iter_mut().zip(&inner).zip(&self.independent) {
            *x -= y / own;
        }
    }
}

/// Cholesky's lower factor in the place of a lower triangle; its log determinant, none where the matrix is not positive.
fn factor(a: &mut [f64], size: usize) -> Option<f64> {
    let mut logdet = 0.0;
    for i in 0..size {
        let (above, row) = a.split_at_mut(i * size);
        for j in 0..i {
            let other = &above[j * size..j * size + j];
            let sum: f64 = row[..j].iter().zip(other).map(|(x, y)| x * y).sum();
            row[j] = (row[j] - sum) / above[j * size + j];
        }
        let rest = row[i] - row[..i].iter().map(|x| x * x).sum::<f64>();
        if rest <= 0.0 || rest.is_nan() {
            return None;
        }
        row[i] = rest.sqrt();
        logdet += 2.0 * row[i].ln();
    }
    Some(logdet)
}

fn forward(lower: &[f64], size: usize, h: &mut [f64]) {
    for i in 0..size {
        let sum: f64 = lower[i * size..i * size + i]
            .iter()
            .zip(h.iter())
            .map(|(x, y)| x * y)
            .sum();
        h[i] = (h[i] - sum) / lower[i * size + i];
    }
}

fn backward(lower: &[f64], size: usize, h: &mut [f64]) {
    for i in (0..size).rev() {
        let sum: f64 = (i + 1..size).map(|j| lower[j * size + i] * h[j]).sum();
        h[i] = (h[i] - sum) / lower[i * size + i];
    }
}

#[cfg(test)]
mod tests {
    use super::{backward, factor, forward};

    #[test]
    fn a_factor_solves_what_it_is_the_factor_of() {
        let (a, b) = (vec![4.0, 0.0, 0.0, 2.0, 5.0, 0.0, 0.4, 1.0, 3.0], [1.0, 2.0, 3.0]);
        let (mut lower, mut x) = (a.clone(), b.to_vec());
        let logdet = factor(&mut lower, 3).expect("positive");
        // Of the symmetric matrix by hand: 4 (15 - 1) - 2 (6 - .4) + .4 (2 - 2).
        assert!((logdet - 44.8_f64.ln()).abs() < 1e-12);
        forward(&lower, 3, &mut x);
        backward(&lower, 3, &mut x);
        for i in 0..3 {
            let found: f64 = (0..3)
                .map(|j| if j <= i { a[i * 3 + j] } else { a[j * 3 + i] } * x[j])
                .sum();
            assert!((found - b[i]).abs() < 1e-12);
        }
        assert!(factor(&mut [1.0, 0.0, 2.0, 1.0], 2).is_none());
    }
}
