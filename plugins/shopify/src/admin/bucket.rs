//! The bucket of points that every GraphQL request is paid from, and how to stay above its bottom.

use std::time::Duration;

use serde::Deserialize;

/// What an answer says about its cost.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// What was asked for, in points.
    pub requested_query_cost: Option<f64>,
    /// How full the bucket is.
    pub throttle_status: Option<Bucket>,
}

/// How full the bucket is, in points, and how many a second run into it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    pub maximum_available: f64,
    pub currently_available: f64,
    pub restore_rate: f64,
}

impl Bucket {
    /// How many milliseconds to wait before a request of this cost. None when it can be made now.
    ///
    /// A tenth of the bucket is left to whoever else uses the shop's app: it is not drawn on unless the request
    /// needs the whole bucket.
    #[must_use]
    pub fn wait(&self, cost: u32) -> Option<u64> {
        let cost = f64::from(cost);
        let reserve = (self.maximum_available / 10.0).min((self.maximum_available - cost).max(0.0));
        self.until(cost + reserve)
    }

    /// How many milliseconds until so many points are there. None when they are there.
    #[must_use]
    pub fn until(&self, points: f64) -> Option<u64> {
        let missing = points - self.currently_available;
        if missing <= 0.0 {
            return None;
        }
        // A bucket that nothing runs into is a bucket nobody described rightly: a second is as good as any.
        let seconds = if self.restore_rate > 0.0 { missing / self.restore_rate } else { 1.0 };
        let wait = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(60));
        u64::try_from(wait.as_micros().div_ceil(1000)).ok()
    }
}

impl Cost {
    /// How many milliseconds to wait before asking again what was refused for its cost.
    #[must_use]
    pub fn wait(&self) -> Option<u64> {
        let bucket = self.throttle_status?;
        Some(bucket.until(self.requested_query_cost?).unwrap_or(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(currently_available: f64) -> Bucket {
        Bucket { maximum_available: 1000.0, currently_available, restore_rate: 50.0 }
    }

    #[test]
    fn what_was_refused_waits_until_the_points_are_there() {
        let cost = Cost { requested_query_cost: Some(110.0), throttle_status: Some(bucket(10.0)) };
        assert_eq!(cost.wait(), Some(2000));
        let cost = Cost { requested_query_cost: Some(110.0), throttle_status: Some(bucket(109.99)) };
        assert_eq!(cost.wait(), Some(1), "rounded up: never before its time");
        let cost = Cost { requested_query_cost: Some(110.0), throttle_status: Some(bucket(500.0)) };
        assert_eq!(cost.wait(), Some(1), "refused although the points are there by now");
        let cost = Cost { requested_query_cost: None, throttle_status: Some(bucket(0.0)) };
        assert_eq!(cost.wait(), None);
    }

    #[test]
    fn a_tenth_of_the_bucket_is_left_to_others() {
        assert_eq!(bucket(212.0).wait(12), None);
        assert_eq!(bucket(112.0).wait(12), None);
        assert_eq!(bucket(62.0).wait(12), Some(1000));
        assert_eq!(bucket(1000.0).wait(1000), None, "what needs all of it gets all of it");
        assert_eq!(bucket(900.0).wait(1000), Some(2000));
    }

    #[test]
    fn a_bucket_that_does_not_fill_does_not_stop_the_world() {
        let dry = Bucket { restore_rate: 0.0, ..bucket(0.0) };
        assert_eq!(dry.wait(10), Some(1000));
        let slow = Bucket { restore_rate: f64::MIN_POSITIVE, ..bucket(0.0) };
        assert_eq!(slow.wait(10), Some(60_000));
    }
}
