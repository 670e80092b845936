//! Contracts as a whole.

mod bodies;
mod broken;
mod calls;
mod outputs;
mod paths;
mod plans;
mod scans;

use std::path::{Path, PathBuf};

use super::{Contract, ContractMistake, SchemaId};

/// A hand-written contract of another product, 3.0 in YAML.
const SHOP: &str = include_str!("shop.yaml");

fn contract(text: &str) -> Contract {
    match Contract::parse(Path::new("test.yaml"), text.as_bytes()) {
        Ok(contract) => contract,
        Err(mistakes) => {
            panic!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        }
    }
}

fn mistakes(text: impl AsRef<[u8]>) -> Vec<ContractMistake> {
    Contract::parse(Path::new("test.yaml"), text.as_ref()).err().unwrap_or_default()
}

/// One of the contracts that are committed.
fn committed(service: &str) -> Contract {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "clients", "contracts", &format!("{service}.json")]
            .iter()
            .collect();
    Contract::read(&path).expect("a sound contract")
}

/// A contract of one schema, `Root`, in JSON or YAML that fits into one line.
fn of_schema(schema: &str) -> (Contract, SchemaId) {
    let contract =
        contract(&format!("{{openapi: 3.1.0, paths: {{}}, components: {{schemas: {{Root: {schema}}}}}}}"));
    let id = contract.schema_named("Root").expect("it is there");
    (contract, id)
}
