//! The profile service's contract.

use super::{
    Contract,
    call::{Call, For, NOT_FOUND, Refusal},
};
use crate::wire::{Member, MemberCard, MemberPatch};
use schemas::{ByIdentity, Credentials, Items, Me, SignUp, TotpCode, TotpConfirmed, TotpEnrolment};

const ENABLED: Refusal = (409, "totp_enabled", "The second factor is on already.");
const NOT_ENROLLED: Refusal = (409, "totp_not_enrolled", "No second factor was begun.");
const WRONG_CODE: Refusal = (422, "otp_invalid", "The code is wrong or was used.");
const NO_RANDOMNESS: Refusal = (503, "no_randomness", "No random numbers can be had.");

pub(super) fn describe(contract: &mut Contract) -> &'static str {
    accounts(contract);
    members(contract);
    second_factor(contract);
    "Members, and how they prove who they are."
}

fn accounts(contract: &mut Contract) {
    let (me, sign_up) = (contract.answer::<Me>(), contract.input::<SignUp>());
    contract.add(
        Call::post("/members", "signUp", "Make a member")
            .made_for(For::Accounts)
            .takes(sign_up)
            .makes(me.clone(), "The member.")
            .refuses([
                (409, "email_taken", "Somebody has signed up with that address."),
                (409, "username_taken", "Somebody has that user name."),
            ]),
    );
    let credentials = contract.input::<Credentials>();
    contract.add(
        Call::post("/members/verify", "verify", "Whose credentials these are")
            .about("Takes the same time whether there is such an account or not.")
            .made_for(For::Accounts)
            .takes(credentials)
            .answers(me.clone(), "Whose they are.")
            .refuses([
                (401, "bad_credentials", "The login or the password is wrong."),
                (401, "otp_required", "A one-time code is needed as well."),
                (401, "otp_invalid", "The one-time code is wrong or was used."),
            ]),
    );
    let identity = contract.input::<ByIdentity>();
    contract.add(
        Call::put("/members/by-identity", "byIdentity", "Find or make the member behind an OpenID identity")
            .about("`issuer` and `subject` together say who it is, and nothing else: an address that somebody has already is not taken over. Where `totpEnabled` is true, the gateway asks for a code before it signs the member in, and has it checked by `verifyTotp`.")
            .made_for(For::Accounts)
            .takes(identity)
            .answers(me, "The member."),
    );
}

fn members(contract: &mut Contract) {
    let cards = contract.list_of::<Items<MemberCard>, MemberCard>("MemberCards");
    contract.add(
        Call::get("/members", "memberCards", "The cards of some members")
            .made_for(For::Nobody)
            .by_ids()
            .answers(cards, "Those that are known, in any order."),
    );
    let member = contract.answer::<Member>();
    contract.add(
        Call::get("/members/{id}", "member", "A member as everybody sees them")
            .made_for(For::Anyone)
            .answers(member, "The member.")
            .refuses([NOT_FOUND]),
    );
    let (me, patch) = (contract.answer::<Me>(), contract.input::<MemberPatch>());
    contract.add(
        Call::get("/members/me", "me", "The acting user as they see themselves")
            .answers(me.clone(), "They.")
            .refuses([NOT_FOUND]),
    );
    contract.add(
        Call::patch("/members/me", "patchMe", "Change the acting user")
            .about("What is absent stays as it is. An empty `bio` takes it away. `avatarKey` is the key of an uploaded file.")
            .takes(patch)
            .answers(me, "They, changed.")
            .refuses([NOT_FOUND]),
    );
}

fn second_factor(contract: &mut Contract) {
    let (begun, code) = (contract.answer::<TotpEnrolment>(), contract.input::<TotpCode>());
    contract.add(
        Call::post("/members/me/totp", "enrolTotp", "Begin a second factor")
            .about("It counts once it is confirmed; a secret from before is forgotten.")
            .answers(begun, "The secret, and the same as a URI for authenticator apps.")
            .refuses([ENABLED, NOT_FOUND, NO_RANDOMNESS]),
    );
    let confirmed = contract.answer::<TotpConfirmed>();
    contract.add(
        Call::post(
            "/members/me/totp/confirm",
            "confirmTotp",
            "Switch the second factor on with its first code",
        )
        .takes(code.clone())
        .answers(confirmed, "The recovery codes, this once.")
        .refuses([ENABLED, NOT_ENROLLED, WRONG_CODE, NOT_FOUND, NO_RANDOMNESS]),
    );
    contract.add(
        Call::post("/members/me/totp/verify", "verifyTotp", "Check a code of the acting user's second factor")
            .about("For a sign-in through a provider, which no password is part of. With a one-time or a recovery code, which is used up. A service that lacks this call answers 404 or 405: its members with a second factor then cannot sign in through a provider.")
            .takes(code.clone())
            .refuses([NOT_ENROLLED, WRONG_CODE, NOT_FOUND]),
    );
    contract.add(
        Call::delete("/members/me/totp", "removeTotp", "Switch the second factor off")
            .about("With a one-time or a recovery code.")
            .takes(code)
            .refuses([NOT_ENROLLED, WRONG_CODE, NOT_FOUND]),
    );
}
