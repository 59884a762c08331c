//! Tests of reading lists against servers that change, lie, lose cursors or never end.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ::http::Method;
use proptest::prelude::*;

use super::*;
use portalctl_platform::clock::{Clock, SystemClock};

const PAGE: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Item(String);

impl Keyed for Item {
    fn key(&self) -> &str {
        &self.0
    }
}

fn id(n: usize) -> String {
    format!("org_{n:06}")
}

/// Answer of a server to a cursor whose object is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LostCursor {
    /// Goes on where the object was.
    GoesOn,
    /// Starts over at page 1, as the official emulator does.
    StartsOver,
    /// Answers 404.
    IsRefused,
}

/// A change between two pages.
#[derive(Debug, Clone, Copy)]
enum Edit {
    Insert,
    Delete(prop::sample::Index),
    DeleteCursor,
    Nothing,
}

/// A list that changes each time a page of it is read.
struct World {
    lost_cursor: LostCursor,
    ids: Vec<String>,
    deleted: BTreeSet<String>,
    inserted: usize,
    cursor: Option<String>,
    edits: Vec<Edit>,
    latencies: Vec<u64>,
    requests: usize,
}

impl World {
    fn of(count: usize) -> Self {
        Self {
            lost_cursor: LostCursor::GoesOn,
            ids: (0..count).map(id).collect(),
            deleted: BTreeSet::new(),
            inserted: 0,
            cursor: None,
            edits: Vec::new(),
            latencies: vec![50],
            requests: 0,
        }
    }

    fn edit(&mut self) {
        let gone = match self.edits.pop() {
            Some(Edit::Insert) => {
                self.ids.push(id(900_000 + self.inserted));
                self.inserted += 1;
                None
            }
            Some(Edit::Delete(which)) if !self.ids.is_empty() => {
                Some(self.ids[which.index(self.ids.len())].clone())
            }
            Some(Edit::DeleteCursor) => self.cursor.clone(),
            _ => None,
        };
        if let Some(gone) = gone {
            self.ids.retain(|id| *id != gone);
            self.deleted.insert(gone);
        }
    }

    fn page(&mut self, order: Order, after: Option<&str>) -> Option<Page<Item>> {
        self.edit();
        let mut ids = self.ids.clone();
        if order == Order::NewestFirst {
            ids.reverse();
        }
        let found = after.is_none_or(|after| ids.iter().any(|id| id == after));
        let start = match after {
            Some(_) if !found && self.lost_cursor == LostCursor::IsRefused => {
                return None;
            }
            Some(after) if found || self.lost_cursor == LostCursor::GoesOn => ids
                .iter()
                .position(|id| match order {
                    Order::NewestFirst => id.as_str() < after,
                    Order::OldestFirst => id.as_str() > after,
                })
                .unwrap_or(ids.len()),
            _ => 0,
        };
        let rest = &ids[start..];
        let items: Vec<Item> = rest.iter().take(PAGE).cloned().map(Item).collect();
        let last = items.last().map(|item| item.0.clone());
        let after = last.filter(|_| rest.len() > PAGE);
        self.cursor.clone_from(&after);
        Some(Page {
            items,
            after,
            says_more: true,
            size: 0,
        })
    }
}

fn refused() -> ApiError {
    ApiError {
        method: Method::GET,
        path: "/organizations".to_owned(),
        kind: ApiErrorKind::NotFound,
        status: Some(404),
        upstream_code: None,
        message: String::new(),
        request_id: None,
        attempts: 1,
        retry_after: None,
    }
}

/// Reads a world; says what was told, too.
async fn read(world: &Mutex<World>) -> (Result<Vec<Item>, ListError>, usize) {
    read_expecting(world, 0).await
}

/// The same, by a caller who expects so many objects.
async fn read_expecting(
    world: &Mutex<World>,
    expected: usize,
) -> (Result<Vec<Item>, ListError>, usize) {
    let told = AtomicUsize::new(0);
    let fetch = |order, after: Option<String>| {
        let latency = {
            let mut world = world.lock().unwrap();
            world.requests += 1;
            world.latencies[world.requests % world.latencies.len()]
        };
        async move {
            SystemClock.sleep(Duration::from_millis(latency)).await;
            let page = world.lock().unwrap().page(order, after.as_deref());
            page.ok_or_else(refused)
        }
    };
    let size = Size {
        most_requests: None,
        expected,
    };
    let items = read_within(
        fetch,
        |count| {
            told.fetch_add(count, Ordering::Relaxed);
        },
        size,
    )
    .await
    .map(Option::unwrap_or_default);
    (items, told.into_inner())
}

#[tokio::test(start_paused = true)]
async fn a_list_costs_at_most_two_requests_more_than_its_pages() {
    for count in [0, 1, 99, 100, 101, 199, 200, 201, 250, 1000, 1001] {
        // Both ends equally fast, then each of them much faster than the other.
        for latencies in [vec![50], vec![1, 70], vec![70, 1], vec![10, 20, 30]] {
            for expected in [0, count, 5_000] {
                let mut world = World::of(count);
                world.latencies.clone_from(&latencies);
                let world = Mutex::new(world);
                let (items, told) = read_expecting(&world, expected).await;
                assert_eq!(items, Ok(all(count)));
                assert_eq!(told, count);
                let requests = world.lock().unwrap().requests;
                let most = match (count, expected) {
                    (0..=PAGE, 0..=PAGE) => 1,
                    (0..=PAGE, _) => 2,
                    _ => count.div_ceil(PAGE) + 2,
                };
                assert!(requests <= most, "{count} objects: {requests} requests");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn both_ends_halve_the_time() {
    let began = SystemClock.instant();
    let world = Mutex::new(World::of(1000));
    read(&world).await.0.unwrap();
    let took = SystemClock.instant() - began;
    assert!(took <= Duration::from_millis(6 * 50), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn both_ends_begin_at_once_where_more_than_a_page_is_expected() {
    for (expected, rounds) in [(0, 6), (950, 5)] {
        let began = SystemClock.instant();
        let world = Mutex::new(World::of(950));
        read_expecting(&world, expected).await.0.unwrap();
        let took = SystemClock.instant() - began;
        assert_eq!(took.as_millis() / 50, rounds, "{expected} expected");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_always_starts_over_is_given_up() {
    // Every page but the first is the first again.
    let fetch = |_, _| async {
        Ok(Page {
            items: vec![Item(id(1))],
            after: Some(id(1)),
            says_more: true,
            size: 0,
        })
    };
    assert_eq!(read_all(fetch, |_| ()).await, Err(ListError::Unstable));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_ends_before_the_readers_meet_is_read_again() {
    // Of pages as fast as each other, and where the lie comes first.
    for lie_takes in [50, 1] {
        let world = Mutex::new(World::of(500));
        let asked = AtomicUsize::new(0);
        let fetch = |order, after: Option<String>| {
            // The newest reader's second page says that there is nothing more.
            let is_lie = order == Order::NewestFirst
                && after.is_some()
                && asked.fetch_add(1, Ordering::Relaxed) == 0;
            let page = world.lock().unwrap().page(order, after.as_deref());
            async move {
                let nothing = Page {
                    items: Vec::new(),
                    after: None,
                    says_more: true,
                    size: 0,
                };
                let latency = if is_lie { lie_takes } else { 50 };
                SystemClock.sleep(Duration::from_millis(latency)).await;
                Ok(if is_lie { nothing } else { page.unwrap() })
            }
        };
        let items = read_all(fetch, |_| ()).await;
        assert_eq!(items, Ok((0..500).map(id).map(Item).collect()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_without_an_end_is_given_up() {
    let pages = AtomicUsize::new(0);
    let fetch = |_, _| {
        let page = id(pages.fetch_add(1, Ordering::Relaxed));
        async move {
            Ok(Page {
                items: vec![Item(page.clone())],
                after: Some(page),
                says_more: true,
                size: 0,
            })
        }
    };
    assert_eq!(read_all(fetch, |_| ()).await, Err(ListError::Endless));
    assert!(pages.into_inner() <= MAX_PAGES + 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_pages_without_measure_is_given_up() {
    let pages = AtomicUsize::new(0);
    let size = 16 * 1024 * 1024;
    let fetch = |_, _| {
        let page = id(pages.fetch_add(1, Ordering::Relaxed));
        async move {
            Ok(Page {
                items: vec![Item(page.clone())],
                after: Some(page),
                says_more: true,
                size,
            })
        }
    };
    assert_eq!(read_all(fetch, |_| ()).await, Err(ListError::Endless));
    assert!(pages.into_inner() <= MAX_BYTES / size + 3);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_is_always_refused_tells_why() {
    let fetch = |_, after: Option<String>| async move {
        match after {
            Some(_) => Err(refused()),
            None => Ok(Page {
                items: (0..100).map(id).map(Item).collect(),
                after: Some(id(0)),
                says_more: true,
                size: 0,
            }),
        }
    };
    let result = read_all(fetch, |_| ()).await;
    assert_eq!(result, Err(ListError::Api(refused())));
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_first_page_ends_the_read() {
    let asked = AtomicUsize::new(0);
    let fetch = |_, _| {
        asked.fetch_add(1, Ordering::Relaxed);
        async { Err::<Page<Item>, _>(refused()) }
    };
    let result = read_all(fetch, |_| ()).await;
    assert_eq!(result, Err(ListError::Api(refused())));
    assert_eq!(asked.into_inner(), 1);
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        3 => Just(Edit::Nothing),
        2 => Just(Edit::Insert),
        2 => any::<prop::sample::Index>().prop_map(Edit::Delete),
        1 => Just(Edit::DeleteCursor),
    ];
    prop::collection::vec(edit, 0..40)
}

fn lost_cursor() -> impl Strategy<Value = LostCursor> {
    prop_oneof![
        Just(LostCursor::GoesOn),
        Just(LostCursor::StartsOver),
        Just(LostCursor::IsRefused),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_exists_during_the_whole_read_is_in_the_result(
        count in 0_usize..900,
        lost_cursor in lost_cursor(),
        edits in edits(),
        latencies in prop::collection::vec(1_u64..100, 1..8),
        expected in prop::sample::select(vec![0_usize, 1_000]),
    ) {
        let mut world = World::of(count);
        world.lost_cursor = lost_cursor;
        world.edits = edits;
        world.latencies = latencies;
        let world = Mutex::new(world);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let (result, _) = runtime.block_on(read_expecting(&world, expected));
        let world = world.into_inner().unwrap();
        let Ok(items) = result else {
            // A read is given up where the server loses cursors, where people delete what is last
            // in the list (it might be cut there), or when every pass is disturbed: all from both
            // ends, and all from one end but the first, which has nothing to agree with.
            let is_last_deleted = world.deleted.contains(&id(0));
            let changes = world.inserted + world.deleted.len();
            let all_disturbed = 2 * (MAX_RESTARTS as usize + 1);
            prop_assert!(
                lost_cursor != LostCursor::GoesOn || is_last_deleted || changes >= all_disturbed,
                "given up after {changes} changes"
            );
            return Ok(());
        };
        prop_assert!(items.is_sorted_by(|a, b| a.0 < b.0));
        let read: BTreeSet<String> = items.into_iter().map(|item| item.0).collect();
        for id in (0..count).map(id).filter(|id| !world.deleted.contains(id)) {
            prop_assert!(read.contains(&id), "{id} is missing");
        }
    }
}

/// Pages of a list in an order of its own.
fn page_of(ids: &[String], after: Option<&str>, size: usize, says_more: bool) -> Page<Item> {
    let start = after.map_or(0, |after| {
        ids.iter().position(|id| id == after).unwrap() + 1
    });
    let items: Vec<Item> = ids
        .iter()
        .skip(start)
        .take(size)
        .cloned()
        .map(Item)
        .collect();
    let last = items.last().map(|item| item.0.clone());
    Page {
        after: last.filter(|_| says_more && start + size < ids.len()),
        items,
        says_more,
        size: 0,
    }
}

fn all(count: usize) -> Vec<Item> {
    (0..count).map(id).map(Item).collect()
}

#[tokio::test(start_paused = true)]
async fn a_server_that_knows_no_order_is_read_forward() {
    for count in [101, 250, 1000] {
        let ids: Vec<String> = (0..count).map(id).collect();
        let fetch = |_, after: Option<String>| {
            let page = page_of(&ids, after.as_deref(), PAGE, true);
            async move { Ok(page) }
        };
        assert_eq!(read_all(fetch, |_| ()).await, Ok(all(count)));
    }
}

#[tokio::test(start_paused = true)]
async fn ends_of_two_different_orders_are_not_taken_for_one_list() {
    // The other end is sorted by something else: what it has was read already, far from the edge.
    let ids: Vec<String> = (0..500).map(id).collect();
    let mut others = ids.clone();
    others.sort_by_key(|id| id.chars().rev().collect::<String>());
    let fetch = |order, after: Option<String>| {
        let ids = if order == Order::NewestFirst {
            &ids
        } else {
            &others
        };
        let page = page_of(ids, after.as_deref(), PAGE, true);
        async move { Ok(page) }
    };
    assert_eq!(read_all(fetch, |_| ()).await, Ok(all(500)));
}

/// A list of ten, four to a page, by a server that knows no order; each pass is played as drawn.
async fn read_in_passes(passes: &[&[usize]]) -> Result<Vec<Item>, ListError> {
    let pass = AtomicUsize::new(0);
    let fetch = |_, after: Option<String>| {
        if after.is_none() {
            pass.fetch_add(1, Ordering::Relaxed);
        }
        // The first two requests are those of the pass that begins at both ends.
        let number = pass.load(Ordering::Relaxed).saturating_sub(2);
        let last = passes.len() - 1;
        let ids: Vec<String> = passes[number.min(last)].iter().copied().map(id).collect();
        let page = page_of(&ids, after.as_deref(), 4, true);
        async move { Ok(page) }
    };
    read_all(fetch, |_| ()).await
}

const WHOLE: &[usize] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const CUT: &[usize] = &[0, 1, 2, 3];

#[tokio::test(start_paused = true)]
async fn two_passes_that_are_cut_at_the_same_place_do_not_confirm_each_other() {
    let read = read_in_passes(&[WHOLE, WHOLE, CUT, CUT, WHOLE]).await;
    assert_eq!(read, Ok(all(10)));
    let read = read_in_passes(&[WHOLE, WHOLE, CUT]).await;
    assert_eq!(read, Err(ListError::Unstable));
}

#[tokio::test(start_paused = true)]
async fn an_object_deleted_between_two_passes_is_gone() {
    let without = &[0, 1, 2, 4, 5, 6, 7, 8, 9];
    let read = read_in_passes(&[WHOLE, WHOLE, without]).await;
    let mut expected = all(10);
    expected.remove(3);
    assert_eq!(read, Ok(expected));
}

#[tokio::test(start_paused = true)]
async fn a_page_of_an_earlier_pass_leaves_no_gap() {
    // The first pass loses its cursor at its third page; in the second one the second page is the
    // third.
    let ids: Vec<String> = (0..30).map(id).collect();
    let requests = AtomicUsize::new(0);
    let fetch = |order, after: Option<String>| {
        let number = requests.fetch_add(1, Ordering::Relaxed);
        let mut ids = ids.clone();
        if order == Order::NewestFirst {
            ids.reverse();
        }
        let (from, is_slow) = match (order, number) {
            (Order::OldestFirst, 2 | 7) => (None, true),
            (Order::NewestFirst, 3) => (Some(id(24)), false),
            (Order::NewestFirst, 4) => (None, false),
            (Order::NewestFirst, 6) => (Some(id(20)), false),
            _ => (after, false),
        };
        let page = page_of(&ids, from.as_deref(), 3, true);
        async move {
            SystemClock
                .sleep(Duration::from_millis(if is_slow { 500 } else { 1 }))
                .await;
            Ok(page)
        }
    };
    assert_eq!(read_all(fetch, |_| ()).await, Ok(all(30)));
}

#[tokio::test(start_paused = true)]
async fn without_metadata_only_an_empty_page_is_the_end() {
    // A server with pages of its own size, too.
    for size in [PAGE, 10] {
        for count in [0, 1, 9, 10, 100, 101, 250] {
            let ids: Vec<String> = (0..count).map(id).collect();
            let fetch = |order, after: Option<String>| {
                let mut ids = ids.clone();
                if order == Order::NewestFirst {
                    ids.reverse();
                }
                let page = page_of(&ids, after.as_deref(), size, false);
                async move { Ok(page) }
            };
            let read = read_all(fetch, |_| ()).await;
            assert_eq!(read, Ok(all(count)), "{count} by {size}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn within_a_budget_an_empty_page_behind_a_cursor_is_no_end() {
    let fetch = |order, after: Option<String>| async move {
        let is_lie = after.is_some();
        let first = (0..100).map(|n| match order {
            Order::NewestFirst => id(400 + n),
            Order::OldestFirst => id(n),
        });
        Ok(Page {
            items: if is_lie {
                Vec::new()
            } else {
                first.map(Item).collect()
            },
            after: (!is_lie).then(|| id(0)),
            says_more: true,
            size: 0,
        })
    };
    for requests in [1, 2, 3, 4] {
        for expected in [0, 1_000] {
            let size = Size {
                most_requests: Some(requests),
                expected,
            };
            let read = read_within(fetch, |_| (), size).await;
            assert!(!matches!(read, Ok(Some(_))), "{requests}: {read:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_twice_on_a_page_is_no_list() {
    let fetch = |_, _| async {
        Ok(Page {
            items: vec![Item(id(1)), Item(id(1))],
            after: None,
            says_more: true,
            size: 0,
        })
    };
    assert_eq!(read_all(fetch, |_| ()).await, Err(ListError::Unstable));
}

#[tokio::test(start_paused = true)]
async fn objects_without_an_id_are_kept_and_decide_nothing() {
    let fetch = |order, after: Option<String>| {
        let mut ids: Vec<String> = (0..150).map(id).collect();
        if order == Order::NewestFirst {
            ids.reverse();
        }
        let mut page = page_of(&ids, after.as_deref(), PAGE - 1, true);
        page.items.push(Item(String::new()));
        async move { Ok(page) }
    };
    let items = read_all(fetch, |_| ()).await.unwrap();
    let (nameless, named): (Vec<Item>, Vec<Item>) =
        items.into_iter().partition(|item| item.0.is_empty());
    assert_eq!(named, all(150));
    assert!(!nameless.is_empty());
}
