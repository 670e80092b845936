//! Compiles a schema and what is done with an answer of it into the plan of a scan.

use std::collections::{HashMap, HashSet};

use super::{
    path::{Segment, shown},
    planner,
    schema::{Others, Schema, SchemaId, Schemas},
    use_tree::{UseNode, UseTree, key},
    uses::{ShapeUse, UseMistake},
};
use crate::compose::scan::{Field, Node, NodeId, Plan, PlanBuilder, Types};

const NOT_NULL: Types = Types::BOOLEAN.or(Types::NUMBER).or(Types::STRING).or(Types::ARRAY).or(Types::OBJECT);

impl ShapeUse {
    /// What is wrong with the paths so far, of answers that are as `root` says.
    #[must_use]
    pub fn mistakes(&self, schemas: &Schemas, root: Option<SchemaId>) -> Vec<UseMistake> {
        planner::tree(self, schemas, root).1
    }

    /// The plan of answers that are as `root` says; untyped without one. Schemas that refer to themselves end in nodes that
    /// do; along used paths each step has its own node. Where not the `whole` answer leaves, its exports do.
    ///
    /// # Errors
    /// All paths that lead nowhere or to what cannot be used like that, and names that an object has already.
    pub fn compile(
        &self,
        schemas: &Schemas,
        root: Option<SchemaId>,
        whole: bool,
    ) -> Result<Plan, Vec<UseMistake>> {
        let (uses, mistakes) = planner::tree(self, schemas, root);
        let mut compiler = Compiler {
            schemas,
            uses: &uses,
            mistakes,
            plan: PlanBuilder::default(),
            unused: HashMap::new(),
            waiting: Vec::new(),
        };
        let root = compiler.node(Task { schema: root, at: Some(0), free: false, path: Vec::new() });
        // A list of tasks and not a recursion: schemas may refer to each other in longer chains than the stack holds.
        while let Some((id, task)) = compiler.waiting.pop() {
            let node = compiler.compiled(&task);
            *compiler.plan.node_mut(id) = node;
        }
        if compiler.mistakes.is_empty() {
            Ok(compiler.plan.finish(root, whole))
        } else {
            Err(compiler.mistakes)
        }
    }
}

/// A node that is to be made.
struct Task {
    schema: Option<SchemaId>,
    /// What is done there, if anything.
    at: Option<usize>,
    /// Picked as a whole: nothing in it is filtered.
    free: bool,
    /// Of nodes with a use, for mistakes.
    path: Vec<Segment>,
}

struct Compiler<'s> {
    schemas: &'s Schemas,
    uses: &'s UseTree,
    mistakes: Vec<UseMistake>,
    plan: PlanBuilder,
    /// Nodes with which nothing is done: one for each schema.
    unused: HashMap<Option<SchemaId>, NodeId>,
    waiting: Vec<(NodeId, Task)>,
}

impl Compiler<'_> {
    fn node(&mut self, task: Task) -> NodeId {
        if task.at.is_none()
            && let Some(known) = self.unused.get(&task.schema)
        {
            return *known;
        }
        let id = self.plan.add(Node::of(Types::ANY));
        if task.at.is_none() {
            self.unused.insert(task.schema, id);
        }
        self.waiting.push((id, task));
        id
    }

    fn child(
        &mut self,
        task: &Task,
        schema: Option<SchemaId>,
        at: Option<usize>,
        segment: Segment,
    ) -> NodeId {
        let free = task.free || at.is_some_and(|at| self.uses.0[at].picked);
        let mut path = Vec::new();
        if at.is_some() {
            path.clone_from(&task.path);
            path.push(segment);
        }
        self.node(Task { schema, at, free, path })
    }

    fn compiled(&mut self, task: &Task) -> Node {
        let uses = task.at.map(|at| &self.uses.0[at]);
        let schema = task.schema.map(|id| self.schemas.get(id));
        let types = schema.map_or(Types::ANY, |schema| schema.types);
        let mut node = Node::of(types);
        if let Some(uses) = uses.filter(|uses| uses.demanded) {
            node.types = types.and(uses.must_be.unwrap_or(NOT_NULL));
        }
        if types.allow(Types::ARRAY) {
            let items = schema.and_then(|schema| schema.items);
            let used = uses.and_then(|uses| uses.items);
            if items.is_some() || used.is_some() {
                node.items = Some(self.child(task, items, used, Segment::Items));
            }
        }
        if types.allow(Types::OBJECT) {
            self.object(task, schema, uses, &mut node);
        }
        if let Some(uses) = uses {
            (node.capture, node.export, node.at_most) = (uses.capture, uses.export, uses.at_most);
            node.joins = uses.join_places();
        }
        node
    }

    fn object(&mut self, task: &Task, schema: Option<&Schema>, uses: Option<&UseNode>, node: &mut Node) {
        let filtered = !task.free && uses.is_some_and(|uses| uses.filtered);
        let open = schema.is_none_or(Schema::is_open);
        node.keep_others = open && !filtered;
        let others =
            schema.and_then(|schema| if let Others::Of(id) = schema.others { Some(id) } else { None });
        node.others =
            others.map(|id| self.node(Task { schema: Some(id), at: None, free: true, path: Vec::new() }));
        let used = |name: &str| uses.and_then(|uses| uses.fields.get(name)).copied();
        for (name, id) in schema.into_iter().flat_map(|schema| &schema.properties) {
            let field = self.field(task, name, Some(*id), used(name), true);
            let wanted = !filtered || self.is_wanted(used(name));
            node.fields.push(Field { kept: field.kept && wanted, ..field });
        }
        let required = schema.into_iter().flat_map(|schema| &schema.required);
        let named = uses.into_iter().flat_map(|uses| uses.fields.keys());
        let mut known: HashSet<&str> =
            schema.into_iter().flat_map(|schema| schema.properties.keys()).map(String::as_str).collect();
        for name in required.chain(named) {
            if known.insert(name) {
                let field = self.field(task, name, others, used(name), open);
                let wanted = !filtered || self.is_wanted(used(name));
                node.fields.push(Field { kept: field.kept && wanted, ..field });
            }
        }
        for field in &mut node.fields {
            field.required |= schema.is_some_and(|schema| schema.required.contains(&*field.name))
                && !self.is_write_only(schema, &field.name);
            if field.required {
                field.absent = None;
            }
        }
        if let Some(uses) = uses {
            self.replaced(task, uses, node);
        }
    }

    fn is_wanted(&self, at: Option<usize>) -> bool {
        at.is_some_and(|at| self.uses.0[at].wanted)
    }

    fn is_write_only(&self, schema: Option<&Schema>, name: &str) -> bool {
        let id = schema.and_then(|schema| schema.properties.get(name));
        id.is_some_and(|id| self.schemas.get(*id).write_only)
    }

    fn field(
        &mut self,
        task: &Task,
        name: &str,
        id: Option<SchemaId>,
        at: Option<usize>,
        known: bool,
    ) -> Field {
        let value = self.child(task, id, at, Segment::Field(name.to_owned()));
        let uses = at.map(|at| &self.uses.0[at]);
        let schema = id.map(|id| self.schemas.get(id));
        let renamed = uses.and_then(|uses| uses.renamed.as_deref());
        let absent = schema.and_then(|schema| match &schema.default {
            Some(default) => Some(default.to_string()),
            None => schema.is_nullable().then(|| "null".to_owned()),
        });
        let absent = absent.map(|value| [&*key(renamed.unwrap_or(name)), value.as_bytes()].concat().into());
        Field {
            name: name.into(),
            value,
            required: uses.is_some_and(|uses| uses.demanded),
            kept: known
                && !uses.is_some_and(|uses| uses.dropped)
                && !schema.is_some_and(|schema| schema.write_only),
            renamed: renamed.map(key),
            absent,
        }
    }

    /// A name that the gateway gives is a mistake where the contract has it; elsewhere, what the upstream puts there does
    /// not leave.
    fn replaced(&mut self, task: &Task, uses: &UseNode, node: &mut Node) {
        let renamed = uses.fields.values().filter_map(|child| self.uses.0[*child].renamed.as_ref());
        let given: Vec<&String> = renamed.chain(uses.joins.iter().map(|(_, name, _)| name)).collect();
        let mut ours = HashSet::new();
        let in_contract =
            |name: &str| task.schema.is_some_and(|id| self.schemas.get(id).properties.contains_key(name));
        for name in given {
            let place = node.fields.iter().position(|field| *field.name == **name);
            let leaves =
                place.is_some_and(|place| node.fields[place].kept && node.fields[place].renamed.is_none());
            if !ours.insert(name) || (leaves && in_contract(name)) {
                self.mistakes.push(UseMistake::NameTaken { at: shown(&task.path), name: name.clone() });
            } else if let Some(place) = place {
                let field = &mut node.fields[place];
                field.kept &= field.renamed.is_some();
            } else {
                let value = self.plan.add(Node::of(Types::ANY));
                let name = name.as_str().into();
                node.fields.push(Field {
                    name,
                    value,
                    required: false,
                    kept: false,
                    renamed: None,
                    absent: None,
                });
            }
        }
    }
}
