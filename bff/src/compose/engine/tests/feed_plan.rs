//! The plan of the screen that `feed` answers, and of a route of the same shape.

use std::sync::Arc;

use http::Method;

use super::declared::lookup;
use crate::compose::{
    engine::Engine,
    plan::{
        Access, CachePlan, CallPlan, DocumentField, FieldSource, JoinId, JoinPlan, JoinPoint, JoinSource,
        LookupId, LookupPlan, PartId, PartPlan, PathPiece, PerView, RoutePlan, RouteShape, ScreenPlan,
        TagTemplate, UpstreamId, UserField, Value as Placed,
    },
    scan::{Capture, Export, Field, JoinPlace, Node, NodeId, Place, Plan, PlanBuilder, Types},
};

struct Shaping(PlanBuilder);

impl Shaping {
    fn leaf(&mut self, types: Types, capture: Option<u16>) -> NodeId {
        self.0.add(Node { capture: capture.map(Capture), ..Node::of(types) })
    }

    /// An object of strings and numbers. `ids`: fields with their capture, and whether they leave.
    fn object(
        &mut self,
        texts: &[&str],
        numbers: &[&str],
        ids: &[(&str, u16, bool)],
        joins: &[(u16, &str, u16)],
    ) -> NodeId {
        let mut fields = Vec::new();
        let mut field = |name: &str, value, kept| {
            fields.push(Field {
                name: name.into(),
                value,
                required: true,
                kept,
                renamed: None,
                absent: None,
            });
        };
        for name in texts {
            let value = self.leaf(Types::STRING, (*name == "id").then_some(9));
            field(name, value, true);
        }
        for (name, capture, kept) in ids {
            let value = self.leaf(Types::STRING, Some(*capture));
            field(name, value, *kept);
        }
        for name in numbers {
            let value = self.leaf(Types::INTEGER.or(Types::BOOLEAN), None);
            field(name, value, true);
        }
        let joins = joins.iter().map(|(place, name, of)| JoinPlace {
            place: Place(*place),
            key: format!("\"{name}\":").into_bytes().into(),
            of: Capture(*of),
        });
        let joins = joins.collect();
        self.0.add(Node { fields, keep_others: false, joins, ..Node::of(Types::OBJECT) })
    }

    fn page(mut self, item: NodeId) -> Plan {
        let items = self.0.add(Node { items: Some(item), export: Some(Export(0)), ..Node::of(Types::ARRAY) });
        let cursor = self.0.add(Node { export: Some(Export(1)), ..Node::of(Types::STRING.or(Types::NULL)) });
        let field = |name: &str, value, required| Field {
            name: name.into(),
            value,
            required,
            kept: true,
            renamed: None,
            absent: None,
        };
        let fields = vec![field("items", items, true), field("nextCursor", cursor, false)];
        let root = self.0.add(Node { fields, ..Node::of(Types::OBJECT) });
        self.0.finish(root, false)
    }
}

const OFFER: ([&str; 3], [&str; 5]) =
    (["id", "title", "createdAt"], ["totalCost", "servings", "likeCount", "likedByMe", "commentCount"]);

fn full<T>(plan: T) -> PerView<T> {
    PerView { full: plan, compact: None }
}

pub(super) fn engine() -> Engine {
    let mut me = Shaping(PlanBuilder::default());
    let root = me.object(&["id", "username", "displayName", "bio", "createdAt"], &[], &[], &[]);
    me.0.node_mut(root).export = Some(Export(0));
    let me = me.0.finish(root, false);
    let mut posts = Shaping(PlanBuilder::default());
    let post = posts.object(
        &["id", "text", "createdAt"],
        &["likeCount", "likedByMe"],
        &[("authorId", 0, false), ("cardId", 1, false)],
        &[(0, "author", 0), (1, "card", 1)],
    );
    let posts = posts.page(post);
    let offer = |place: u16| {
        let mut shaping = Shaping(PlanBuilder::default());
        let one = shaping.object(&OFFER.0, &OFFER.1, &[("authorId", 0, true)], &[(place, "author", 0)]);
        (shaping, one)
    };
    let (offers, one) = offer(2);
    let offers = offers.page(one);
    let (card, one) = offer(3);
    let card = card.0.finish(one, true);
    let part = |number: u16, name, scan, tag: &str, tags_of: &str| PartPlan {
        name,
        call: CallPlan {
            upstream: UpstreamId(number),
            operation: "test",
            method: Method::GET,
            path: [PathPiece::Text("/x".into())].into(),
            query: Box::default(),
            send: Box::default(),
            body: None,
            for_nobody: false,
        },
        needs: Box::default(),
        required: number == 0,
        subject: false,
        share: (number > 0).then_some(0.7),
        page: None,
        when: None,
        otherwise: None,
        not_found_is_otherwise: false,
        scan: full(scan),
        further: full(Box::default()),
        expect: Box::default(),
        tags: [TagTemplate { kind: tag.into(), id: Some(Placed::User(UserField::Id)) }].into(),
        tags_of: [(tags_of.into(), Capture(9))].into(),
        remember: Box::default(),
    };
    let point = |source, ids: u16, place: u16, scan| JoinPoint {
        source,
        ids: Capture(ids),
        place: Place(place),
        scan: full(scan),
    };
    let field = |name: &'static str, part: u16, export: u16| DocumentField {
        name,
        key: format!("\"{name}\":").into_bytes().into(),
        source: FieldSource::Part(PartId(part), Export(export)),
        only_full: false,
    };
    let plan = ScreenPlan {
        name: "feed",
        path: "/bff/feed".into(),
        access: Access::SignedIn,
        vary_by_session: false,
        params: Box::default(),
        parts: [
            part(0, "me", me, "member", "own"),
            part(1, "posts", posts, "feed", "post"),
            part(2, "offers", offers, "offers", "offer"),
        ]
        .into(),
        joins: [
            JoinPlan {
                part: "authors",
                lookup: LookupId(0),
                points: [
                    point(JoinSource::Part(PartId(1)), 0, 0, None),
                    point(JoinSource::Part(PartId(2)), 0, 2, None),
                    point(JoinSource::Join(JoinId(1)), 0, 3, None),
                ]
                .into(),
            },
            JoinPlan {
                part: "offers",
                lookup: LookupId(1),
                points: [point(JoinSource::Part(PartId(1)), 1, 1, Some(card))].into(),
            },
        ]
        .into(),
        document: [field("me", 0, 0), field("posts", 1, 0), field("offers", 2, 0), field("nextCursor", 1, 1)]
            .into(),
        at_least_one: [[1, 2].into()].into(),
        cache: CachePlan::default(),
    };
    let lookups: Vec<_> = [lookup(0, false), lookup(1, false)].into_iter().map(Arc::new).collect();
    Engine::new(plan.into(), &lookups).expect("look-ups")
}

/// A route that passes posts through, each with its writer.
pub(super) fn route() -> (RoutePlan, Vec<Arc<LookupPlan>>) {
    let mut posts = Shaping(PlanBuilder::default());
    let post = posts.object(
        &["id", "text", "createdAt"],
        &["likeCount", "likedByMe"],
        &[("authorId", 0, false), ("cardId", 1, true)],
        &[(0, "author", 0)],
    );
    let items = posts.0.add(Node { items: Some(post), ..Node::of(Types::ARRAY) });
    let items =
        Field { name: "items".into(), value: items, required: true, kept: true, renamed: None, absent: None };
    let root = posts.0.add(Node { fields: vec![items], ..Node::of(Types::OBJECT) });
    let point =
        JoinPoint { source: JoinSource::Part(PartId(0)), ids: Capture(0), place: Place(0), scan: full(None) };
    let route = RoutePlan {
        name: "posts",
        path: "/api/posts".into(),
        method: Method::GET,
        access: Access::SignedIn,
        params: Box::default(),
        call: engine().plan().parts[1].call.clone(),
        shape: Some(RouteShape { scan: posts.0.finish(root, true), verbatim: false }),
        status: 200,
        location: None,
        body: None,
        joins: [JoinPlan { part: "authors", lookup: LookupId(0), points: [point].into() }].into(),
        expect: Box::default(),
        add: Box::default(),
        drops_mine: Box::default(),
        drops: Box::default(),
        announce: None,
        remember: Box::default(),
        recall: Box::default(),
        idempotent_key: false,
        profile: false,
        if_match: false,
        files: Box::default(),
        passes: Box::default(),
        stream: None,
    };
    (route, vec![Arc::new(lookup(0, false))])
}
