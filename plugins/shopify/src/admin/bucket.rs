//! The rate limit of GraphQL requests: a leaky bucket of points.

use std::time::Duration;

use serde::Deserialize;

/// The cost of a request, as its response reports it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// The points requested.
    pub requested_query_cost: Option<f64>,
    /// The state of the bucket.
    pub throttle_status: Option<Bucket>,
}

/// The state of the bucket: its points, and the points restored per second.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    pub maximum_available: f64,
    pub currently_available: f64,
    pub restore_rate: f64,
}

impl Bucket {
    /// The milliseconds to wait before a request of this cost. None when it can be sent now.
    ///
    /// A tenth of the bucket is reserved for other users of the shop's app, unless the request needs the whole bucket.
    #[must_use]
    pub fn wait_for_request(&self, cost: u32) -> Option<u64> {
        let cost = f64::from(cost);
        let reserve = (self.maximum_available / 10.0).min((self.maximum_available - cost).max(0.0));
        self.wait_for_points(cost + reserve)
    }

    /// The milliseconds until this many points are available. None when they are available now.
    #[must_use]
    pub fn wait_for_points(&self, points: f64) -> Option<u64> {
        let missing = points - self.currently_available;
        if missing <= 0.0 {
            return None;
        }
        // A restore rate of zero cannot be right: wait a second.
        let seconds = if self.restore_rate > 0.0 { missing / self.restore_rate } else { 1.0 };
        let wait = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(60));
        u64::try_from(wait.as_micros().div_ceil(1000)).ok()
    }
}

impl Cost {
    /// The milliseconds to wait before repeating a throttled request.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        let bucket = self.throttle_status?;
        Some(bucket.wait_for_points(self.requested_query_cost?).unwrap_or(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(currently_available: f64) -> Bucket {
        Bucket { maximum_available: 1000.0, currently_available, restore_rate: 50.0 }
    }

    #[test]
    fn a_throttled_request_waits_until_its_points_are_available() {
        let cost = Cost { requested_query_cost: Some(110.0), throttle_status: Some(bucket(10.0)) };
        assert_eq!(cost.retry_after(), Some(2000));
        let cost = Cost { requested_query_cost: Some(110.0), throttle_status: Some(bucket(109.99)) };
        assert_eq!(cost.retry_after(), Some(1), "rounded up");
        let cost = Cost { requested_query_cost: Some(110.0), throttle_status: Some(bucket(500.0)) };
        assert_eq!(cost.retry_after(), Some(1), "throttled, but the points are available by now");
        let cost = Cost { requested_query_cost: None, throttle_status: Some(bucket(0.0)) };
        assert_eq!(cost.retry_after(), None);
    }

    #[test]
    fn a_tenth_of_the_bucket_is_reserved() {
        assert_eq!(bucket(212.0).wait_for_request(12), None);
        assert_eq!(bucket(112.0).wait_for_request(12), None);
        assert_eq!(bucket(62.0).wait_for_request(12), Some(1000));
        assert_eq!(bucket(1000.0).wait_for_request(1000), None, "a request may need the whole bucket");
        assert_eq!(bucket(900.0).wait_for_request(1000), Some(2000));
    }

    #[test]
    fn the_wait_is_bounded_when_the_bucket_is_not_restored() {
        let without_restore = Bucket { restore_rate: 0.0, ..bucket(0.0) };
        assert_eq!(without_restore.wait_for_request(10), Some(1000));
        let slow = Bucket { restore_rate: f64::MIN_POSITIVE, ..bucket(0.0) };
        assert_eq!(slow.wait_for_request(10), Some(60_000));
    }
}
