//! Lines and figures as an operator gets to see them.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::sink::SinkThread;
use super::*;

const LIMIT: Duration = Duration::from_secs(10);

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

fn log(format: LineFormat, sample: u32) -> (AccessLog, SinkThread, Output) {
    let output = Output::default();
    let thread = Sink::start(Box::new(output.clone()));
    let settings = AccessSettings { format, enabled: true, sample };
    (AccessLog::new(settings, thread.sink().clone()), thread, output)
}

const LINE: AccessLine<'static> = AccessLine {
    method: "GET",
    route: "/bff/orders/{id}",
    status: 200,
    duration: Duration::from_micros(1250),
    bytes: 4711,
    request_id: "r-1",
    user: Some(0xab),
    cache: "hit",
    client: "web",
};

#[test]
fn an_access_line_is_one_json_object() {
    let (log, thread, output) = log(LineFormat::Json, 1);
    log.log(&LINE);
    log.log(&AccessLine {
        route: "",
        user: None,
        cache: "",
        client: "",
        request_id: "/a\"\\\n\u{1}é",
        ..LINE
    });
    drop(thread);
    let lines: Vec<Value> = output.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut first = lines[0].clone();
    let time = first["timestamp"].take();
    let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
    assert!(jiff::Timestamp::now().duration_since(time).abs() < jiff::SignedDuration::from_secs(10));
    assert_eq!(
        first,
        json!({
            "timestamp": null, "level": "INFO", "target": "access", "http.method": "GET",
            "http.route": "/bff/orders/{id}", "http.status": 200,
            "duration_us": 1250, "http.bytes": 4711, "request.id": "r-1",
            "user.hash": "00000000000000ab", "cache.outcome": "hit", "client.kind": "web",
        })
    );
    assert_eq!(lines[1]["request.id"], "/a\"\\\n\u{1}é");
    let absent = ["http.route", "user.hash", "cache.outcome", "client.kind"];
    assert!(absent.iter().all(|name| lines[1].get(name).is_none()), "{}", lines[1]);
}

#[test]
fn an_access_line_for_people_is_one_line() {
    let (log, thread, output) = log(LineFormat::Text, 1);
    log.log(&AccessLine { route: "/a\n2026 200 forged\u{1b}[31m", ..LINE });
    drop(thread);
    let text = output.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    let (_, rest) = text.split_once("Z ").unwrap();
    assert_eq!(
        rest,
        "200 GET /a%0a2026%20200%20forged%1b[31m 1.2ms 4711B cache=hit client=web user=00000000000000ab id=r-1\n"
    );
}

#[test]
fn lines_of_all_threads_arrive_whole_and_none_is_lost() {
    let (log, thread, output) = log(LineFormat::Json, 1);
    let threads = (0..8).map(|number| {
        let log = log.clone();
        std::thread::spawn(move || (0..2000).for_each(|_| log.log(&AccessLine { bytes: number, ..LINE })))
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    drop(thread);
    let text = output.text();
    let mut counts = [0; 8];
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        counts[usize::try_from(line["http.bytes"].as_u64().unwrap()).unwrap()] += 1;
    }
    assert_eq!(counts, [2000; 8]);
}

#[test]
fn a_quiet_thread_s_line_is_written_soon() {
    let (log, _thread, output) = log(LineFormat::Json, 1);
    log.log(&LINE);
    let end = Instant::now() + LIMIT;
    while output.text().is_empty() {
        assert!(Instant::now() < end, "never written");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn flushing_writes_what_was_logged_before() {
    let (log, thread, output) = log(LineFormat::Json, 1);
    log.log(&LINE);
    thread.sink().flush(LIMIT);
    assert_eq!(output.text().lines().count(), 1);
}

#[test]
fn good_answers_are_sampled_and_bad_ones_are_not() {
    let (log, thread, output) = log(LineFormat::Json, 10);
    for _ in 0..100 {
        log.log(&LINE);
        log.log(&AccessLine { status: 503, ..LINE });
    }
    drop(thread);
    let text = output.text();
    let count = |needle: &str| text.matches(needle).count();
    assert_eq!((count("\"http.status\":200"), count("\"http.status\":503")), (10, 100));
}

#[test]
fn a_log_that_is_off_writes_nothing() {
    let output = Output::default();
    let thread = Sink::start(Box::new(output.clone()));
    let settings = AccessSettings { format: LineFormat::Json, enabled: false, sample: 1 };
    AccessLog::new(settings, thread.sink().clone()).log(&LINE);
    drop(thread);
    assert!(output.text().is_empty());
}

/// An output that takes nothing until it is let go.
struct Stuck(Receiver<()>, Option<SyncSender<()>>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(reached) = self.1.take() {
            reached.send(()).unwrap();
            // Whether told or dropped: go on.
            let _ = self.0.recv();
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stuck_output_never_blocks_and_lost_lines_are_counted() {
    let (release, stuck) = sync_channel(1);
    let (reached, wait) = sync_channel(1);
    let thread = Sink::start(Box::new(Stuck(stuck, Some(reached))));
    let sink = thread.sink().clone();
    sink.send(b"first\n".to_vec(), 1);
    wait.recv_timeout(LIMIT).unwrap();
    let started = Instant::now();
    for _ in 0..2000 {
        sink.send(b"a\nb\n".to_vec(), 2);
    }
    assert!(started.elapsed() < LIMIT);
    assert_eq!(sink.dropped_lines(), 2 * (2000 - 1024));

    let metrics = Metrics::new();
    metrics.watch_sink(sink);
    assert!(metrics.encode().contains("bff_log_lines_dropped_total 1952\n"), "{}", metrics.encode());
    release.send(()).unwrap();
}

#[test]
fn a_stuck_output_does_not_keep_the_process_from_ending() {
    let (release, stuck) = sync_channel(1);
    let (reached, wait) = sync_channel(1);
    let mut thread = Sink::start(Box::new(Stuck(stuck, Some(reached))));
    thread.sink().send(b"first\n".to_vec(), 1);
    wait.recv_timeout(LIMIT).unwrap();
    thread.end(Duration::from_millis(10));
    release.send(()).unwrap();
}

/// An output that is gone, as a closed pipe.
struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn a_broken_output_is_survived_and_counted() {
    let thread = Sink::start(Box::new(Broken));
    let sink = thread.sink().clone();
    sink.send(b"a\nb\n".to_vec(), 2);
    drop(thread);
    assert_eq!(sink.dropped_lines(), 2);
    sink.send(b"late\n".to_vec(), 1);
    assert_eq!(sink.dropped_lines(), 3, "after the end as well");
}

#[test]
fn metrics_bear_the_agreed_names_and_labels() {
    let metrics = Metrics::new();
    let route = metrics.http_route("/bff/front-page", "GET");
    route.observe(200, Duration::from_micros(80));
    route.observe(304, Duration::from_millis(3));
    metrics.http_request("/bff/front-page", "GET", 418, Duration::from_secs(20));
    metrics.cache_outcome("front_page", "hit");
    metrics.cache_counter("front_page", "hit").inc();
    metrics.part_outcome("front_page", "orders", "timeout", Duration::from_millis(700));
    metrics.upstream_call("order", "for_me", "ok", Duration::from_millis(7));
    metrics.sign_in("bad_credentials");
    metrics.sessions_created.inc();
    metrics.composing.set(3);
    let entries = metrics.cache_entries.clone();
    metrics.on_scrape(move || {
        entries.set(12);
    });
    let text = metrics.encode();
    for line in [
        r#"bff_http_request_duration_seconds_bucket{le="0.0001",route="/bff/front-page",method="GET",status="200"} 1"#,
        r#"bff_http_request_duration_seconds_count{route="/bff/front-page",method="GET",status="304"} 1"#,
        r#"bff_http_request_duration_seconds_bucket{le="10.0",route="/bff/front-page",method="GET",status="4xx"} 0"#,
        r#"bff_http_request_duration_seconds_bucket{le="+Inf",route="/bff/front-page",method="GET",status="4xx"} 1"#,
        r#"bff_http_request_duration_seconds_sum{route="/bff/front-page",method="GET",status="4xx"} 20.0"#,
        r#"bff_cache_requests_total{screen="front_page",outcome="hit"} 2"#,
        r#"bff_part_duration_seconds_count{screen="front_page",part="orders",outcome="timeout"} 1"#,
        r#"bff_upstream_request_duration_seconds_sum{upstream="order",operation="for_me",outcome="ok"} 0.007"#,
        r#"bff_sign_ins_total{outcome="bad_credentials"} 1"#,
        "bff_sessions_created_total 1",
        "bff_composing 3",
        "bff_cache_entries 12",
        "bff_cache_bytes 0",
        "bff_log_lines_dropped_total 0",
        concat!("bff_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\nis not in\n{text}");
    }
    assert!(text.contains("\nprocess_start_time_seconds "), "{text}");
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn a_scrape_amid_observations_adds_up() {
    let metrics = Arc::new(Metrics::new());
    let observers = (0..4).map(|_| {
        let route = metrics.http_route("/r", "GET");
        std::thread::spawn(move || (0..5000).for_each(|_| route.observe(200, Duration::from_micros(1))))
    });
    let observers: Vec<_> = observers.collect();
    for _ in 0..20 {
        let text = metrics.encode();
        let figure = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            line.rsplit_once(' ')?.1.parse::<u64>().ok()
        };
        let count = figure("bff_http_request_duration_seconds_count");
        assert_eq!(count, figure("bff_http_request_duration_seconds_bucket{le=\"+Inf\""));
    }
    for observer in observers {
        observer.join().unwrap();
    }
    let expected = r#"bff_http_request_duration_seconds_count{route="/r",method="GET",status="200"} 20000"#;
    assert!(metrics.encode().contains(expected));
}

#[test]
fn threads_that_meet_at_a_new_label_count_into_one_metric() {
    let metrics = Arc::new(Metrics::new());
    let outcomes = ["hit", "stale", "miss", "bypass", "error", "refresh", "dropped", "joined"];
    let threads = (0..8).map(|_| {
        let metrics = Arc::clone(&metrics);
        std::thread::spawn(move || outcomes.map(|outcome| metrics.cache_outcome("front_page", outcome)))
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    let text = metrics.encode();
    for outcome in outcomes {
        let line = format!("bff_cache_requests_total{{screen=\"front_page\",outcome=\"{outcome}\"}} 8\n");
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
}
