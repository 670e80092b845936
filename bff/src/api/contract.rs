//! What sign-in and the keys promise their callers.

use schemas::KeySet;

use crate::edge::{Access, Contract, Operation};

/// Adds the operations by which people sign in, and the keys.
pub fn describe_accounts(contract: &mut Contract) {
    super::auth::describe(contract);
    super::oidc::describe(contract);
    contract.tag("keys", "What others verify our tokens with.");
    let keys = contract.shape::<KeySet>();
    contract.add(
        Operation::get("/.well-known/jwks.json", "readKeys")
            .is("keys", Access::Public, "The keys that verify service and access tokens")
            .about(
                "A JWK set (RFC 7517). A new key is published before it signs anything. Charged to nobody.",
            )
            .free()
            .answers_shaped(200, "The public keys.", keys),
    );
}
