//! The Lua that Redis runs, each script on one key in a cluster, so that each is atomic there as well. Redis'
//! clock decides what has expired and gives versions.
//!
//! A record is the string `format, version, end, owner, value` of [`tables`](super::super::tables): in Lua
//! its version is `struct.unpack('>I8', record, 2)`. Numbers of Lua are exact up to 2^53, which is enough
//! for microseconds until the year 2255.

use std::sync::LazyLock;

/// A script and the name by which a node that has seen it calls it.
pub(super) struct Script {
    code: String,
    hash: String,
}

impl Script {
    fn new(parts: &[&str]) -> Self {
        let code = parts.concat();
        let hash = redis::Script::new(&code).get_hash().to_owned();
        Self { code, hash }
    }

    pub(super) fn code(&self) -> &str {
        &self.code
    }

    pub(super) fn hash(&self) -> &str {
        &self.hash
    }
}

/// `now`: microseconds; `next_version(head)`: after the version of the record that `head` begins.
const CLOCK: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function version_of(head)
    if #head >= 9 and head:byte(1) == 1 then return struct.unpack('>I8', head, 2) end
end
local function next_version(head)
    local before = version_of(head)
    if before and before >= now then return before + 1 end
    return now
end
";

/// Writes the record at `KEYS[1]`: `ARGV[1]` is the last millisecond of its life, `ARGV[2]` all of it that
/// comes after the version.
const WRITE: &str = r"
local version = next_version(head)
if tonumber(ARGV[1]) * 1000 <= now then
    redis.call('DEL', KEYS[1])
else
    redis.call('SET', KEYS[1], '\1' .. struct.pack('>I8', version) .. ARGV[2], 'PXAT', ARGV[1])
end
return version
";

/// Answers the new version.
pub(super) static PUT: LazyLock<Script> =
    LazyLock::new(|| Script::new(&[CLOCK, "local head = redis.call('GETRANGE', KEYS[1], 0, 8)", WRITE]));

/// `ARGV[3]`: the version that the record must have; empty: there must be none. Answers the new version
/// or nil.
pub(super) static PUT_IF: LazyLock<Script> = LazyLock::new(|| {
    let compare = r"
local head = redis.call('GETRANGE', KEYS[1], 0, 8)
local before = version_of(head)
if (before and string.format('%.0f', before) or '') ~= ARGV[3] then return false end
";
    Script::new(&[CLOCK, compare, WRITE])
});

/// Of several records, each that has the version named in `ARGV[2i - 1]` gets the value `ARGV[2i]`; owner and end stay.
/// Answers the new versions, 0 for those that were not written. Outside of a cluster they are all the keys of a step, in
/// a cluster one.
pub(super) static REPLACE: LazyLock<Script> = LazyLock::new(|| {
    let replace = r"
local records = redis.call('MGET', unpack(KEYS))
local versions = {}
for i = 1, #KEYS do
    local record = records[i] or ''
    local before = version_of(record)
    versions[i] = 0
    if before and #record >= 19 and string.format('%.0f', before) == ARGV[2 * i - 1] then
        local version = next_version(record)
        local rest = record:sub(10, 19 + struct.unpack('>I2', record, 18)) .. ARGV[2 * i]
        redis.call('SET', KEYS[i], '\1' .. struct.pack('>I8', version) .. rest, 'KEEPTTL')
        versions[i] = version
    end
end
return versions
";
    Script::new(&[CLOCK, replace])
});

/// Removes the records that `ARGV[1]` owns; answers for each key how many were removed. Keys as in [`REPLACE`].
pub(super) static DELETE_OWNED: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"
local function owned(head)
    if #head < 19 or head:byte(1) ~= 1 then return false end
    return struct.unpack('>I2', head, 18) == #ARGV[1] and head:sub(20) == ARGV[1]
end
local removed = {}
for i = 1, #KEYS do
    removed[i] = 0
    if owned(redis.call('GETRANGE', KEYS[i], 0, 18 + #ARGV[1])) then removed[i] = redis.call('DEL', KEYS[i]) end
end
return removed
"])
});

/// Adds `ARGV[1]` to the counter in its window of `ARGV[2]` milliseconds; `ARGV[3]` is the last end that
/// Redis can be told. Answers the count and the end as eight bytes.
pub(super) static ADD: LazyLock<Script> = LazyLock::new(|| {
    let add = r"
local old = redis.call('GET', KEYS[1])
local delta = tonumber(ARGV[1])
local count, ends
if old then
    local owner = #old >= 19 and old:byte(1) == 1 and struct.unpack('>I2', old, 18)
    if not owner or #old ~= 19 + owner + 8 then return redis.error_reply('NOTACOUNTER of another kind') end
    count = struct.unpack('>I8', old, 20 + owner)
    ends = old:sub(10, 17)
else
    local last = math.floor(now / 1000) + tonumber(ARGV[2])
    ends = last < tonumber(ARGV[3]) and struct.pack('>I8', last) or string.rep('\255', 8)
    if delta <= 0 then return {0, ends} end
    count = 0
end
count = math.min(math.max(count + delta, 0), 2^53)
local record = '\1' .. struct.pack('>I8', next_version(old or '')) .. ends .. '\0\0' .. struct.pack('>I8', count)
if old then
    redis.call('SET', KEYS[1], record, 'KEEPTTL')
else
    local last = math.min(math.floor(now / 1000) + tonumber(ARGV[2]) - 1, tonumber(ARGV[3]))
    redis.call('SET', KEYS[1], record, 'PXAT', string.format('%.0f', math.max(last, 1)))
end
return {count, ends}
";
    Script::new(&[CLOCK, add])
});

/// Notes in an owner's index that the record `ARGV[1]` lives until `ARGV[2]`, and lets go of those that
/// have ended. Answers nothing of interest.
pub(super) static INDEX: LazyLock<Script> = LazyLock::new(|| {
    let index = r"
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', math.floor(now / 1000))
redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
return redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', tonumber(last[2])))
";
    Script::new(&[CLOCK, index])
});

/// Appends `ARGV[2]` to the log and trims it to about `ARGV[1]` entries; it ends `ARGV[3]` milliseconds
/// after the last one. Answers the entry's place.
pub(super) static APPEND: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"
local place = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'd', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return place
"])
});

/// The generic cell rate algorithm with `ARGV[1]` a second and a burst of `ARGV[2]`. The key holds the
/// time, in microseconds, at which the bucket is full again. Answers allowed, remaining, and the
/// microseconds until it is full and until one more is allowed.
pub(super) static TAKE: LazyLock<Script> = LazyLock::new(|| {
    let take = r"
local interval = 1000000 / tonumber(ARGV[1])
local capacity = interval * tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local next_full = full + interval
-- Half a microsecond: what rounding may have cost.
local wait = next_full - now - capacity
if wait > 0.5 then return {0, 0, math.ceil(full - now), math.ceil(wait)} end
redis.call('SET', KEYS[1], string.format('%.2f', next_full), 'PX', math.max(math.ceil((next_full - now) / 1000), 1))
return {1, math.floor((capacity - (next_full - now) + 0.5) / interval), math.ceil(next_full - now), 0}
";
    Script::new(&[CLOCK, take])
});

/// Puts one back into such a bucket, which is refilled with `ARGV[1]` a second. Answers nothing of interest.
pub(super) static GIVE_BACK: LazyLock<Script> = LazyLock::new(|| {
    let give_back = r"
local full = tonumber(redis.call('GET', KEYS[1]) or 0) - 1000000 / tonumber(ARGV[1])
if full <= now then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], string.format('%.2f', full), 'PX', math.max(math.ceil((full - now) / 1000), 1))
return 1
";
    Script::new(&[CLOCK, give_back])
});
