//! What uploads and files promise their callers. Beside the handlers.

use schemas::{CommitUpload, CommittedFile, PresignUpload, PresignedUpload, UploadState};
use utoipa::openapi::{
    ContentBuilder, Ref, ResponseBuilder, Schema,
    schema::{Object, SchemaType},
};

use super::{
    download::download,
    error::{CHECKSUM, EXPIRED, FORBIDDEN, INCOMPLETE, PART_TOO_SHORT, SIGNATURE, SIZE, TYPE},
    kinds,
    upload::{commit, delete, presign, put_part, state},
};
use crate::{
    edge::{
        Access, AnswerHeader as H, Answering, ApiError, Contract, Operation, answering, any_text, number,
        text,
    },
    store::StoreError,
};

const FILES: &str = "files";

const ABOUT_PRESIGN: &str = "The caller then sends each part to its URL, with the method and headers that stand beside it \
and no others of its own: several at a time, in any order, and again where one was lost. One part up to 8 MiB, several \
beyond. What is not committed within a day is thrown away. A file is told apart by its first bytes; HTML and SVG are never \
taken.";
const ABOUT_FILE: &str = "Either the bytes, with ranges (also several), or a redirect to a signed URL of the storage. 404 \
until the upload was committed, and for private files to everybody but their owner. What a key names never changes.";

/// Adds the operations of this module; `is_served`: with their handlers. Without a storage (`files.url`) all of them are 404.
pub fn serve(contract: &mut Contract, is_served: bool) {
    contract.tag(
        FILES,
        "Files: uploaded in parts, checked, and only then there to be read. 404 without a storage.",
    );
    let add = |contract: &mut Contract, operation: Operation, answer: Answering| {
        if is_served {
            contract.serve_by(operation, answer);
        } else {
            contract.add(operation);
        }
    };
    let (asked, told) = (contract.input::<PresignUpload>(), contract.shape::<PresignedUpload>());
    let operation = Operation::post("/files/upload/presign", "presignUpload")
        .is(FILES, Access::SignedIn, "Begin to upload a file")
        .about(ABOUT_PRESIGN)
        .takes(asked)
        .answers_shaped(201, "Where its parts go.", told)
        .leads_to("/key", "key", ["readUpload", "readFile", "deleteFile"])
        .fails(ApiError::UploadLimit { retry_after_s: 1, detail: "One user may upload so many bytes a day." })
        .fails_with([ApiError::NotFound, ApiError::Store(StoreError::Closed)])
        .fails_with(storage_problems());
    add(contract, operation, answering(presign));
    let told = contract.shape::<UploadState>();
    add(contract, read_upload(told), answering(state));
    let (asked, told) = (contract.input::<CommitUpload>(), contract.shape::<CommittedFile>());
    let operation = Operation::post("/files/upload/commit", "commitUpload")
        .is(FILES, Access::SignedIn, "End an upload: from now on the file can be read")
        .about("Its length, its checksum (where one was given) and its real type are checked first. To commit twice is to \
                commit once.")
        .takes(asked)
        .answers_shaped(201, "The file.", told)
        .leads_to("/key", "key", ["readFile", "deleteFile"])
        .fails_with([ApiError::NotFound, INCOMPLETE, SIZE, CHECKSUM, TYPE])
        .fails(ApiError::Interrupted(""))
        .fails_with(storage_problems());
    add(contract, operation, answering(commit));
    add(contract, send_part(), answering(put_part));
    add(contract, read_file(), answering(download));
    let operation = Operation::delete("/files/{key}", "deleteFile")
        .is(FILES, Access::SignedIn, "Delete a file or an upload of mine")
        .about("Caches may keep a public file for as long as they were told.")
        .at("key", text(128), "The file.")
        .answers_nothing("It is gone.")
        .fails(FORBIDDEN)
        .fails_with(storage_problems());
    add(contract, operation, answering(delete));
}

fn read_upload(told: Ref) -> Operation {
    Operation::get("/files/upload/{key}", "readUpload")
        .is(FILES, Access::SignedIn, "How far an upload of mine has come")
        .about("So that it goes on after a cut, a reload, or on another network.")
        .at("key", text(128), "The file.")
        .answers_shaped(200, "Which parts have arrived, and where the others go.", told)
        .fails_with(storage_problems())
}

fn send_part() -> Operation {
    Operation::put("/files/upload/{key}/parts/{number}", "sendPart")
        .is(FILES, Access::Public, "One part of a file")
        .about("At a URL of `presignUpload` or `readUpload`, which is signed and needs no session. Only where the storage is \
                a folder: elsewhere parts go straight to the storage. The body is the part's bytes and nothing else.")
        .at("key", text(128), "The file.")
        .at("number", number(1, 1000, 1), "Which part.")
        .asks("expires", any_text(), "Until when the URL is good.")
        .asks("size", any_text(), "The part's length in bytes.")
        .asks("signature", any_text(), "That it was made here.")
        .takes_bytes(["application/octet-stream".to_owned()])
        .answers_nothing("It has arrived, and is on the disk.")
        .fails_with([SIGNATURE, EXPIRED, PART_TOO_SHORT])
        .fails_with([ApiError::BodyTooLarge(0), ApiError::BodyTimeout])
        .fails_with(storage_problems())
}

fn read_file() -> Operation {
    let whatever = || Schema::Object(Object::with_type(SchemaType::AnyValue));
    let bytes = |response: ResponseBuilder, media_type: &str| {
        response.content(media_type, ContentBuilder::new().schema(Some(whatever())).build())
    };
    let body = |about: &str| kinds::all().fold(ResponseBuilder::new().description(about), bytes);
    let parts = body("What `Range` names; several parts as `multipart/byteranges`.");
    Operation::get("/files/{key}", "readFile")
        .is(FILES, Access::Open, "A file")
        .about(ABOUT_FILE)
        .at("key", text(128), "The file.")
        .header("Range", any_text(), "Parts of it (RFC 9110 section 14.2).")
        .header("If-Range", any_text(), "The `ETag` that the ranges are of.")
        .header("If-None-Match", any_text(), "Validators of what the caller has.")
        .answers_with(200, body("The file."))
        .answers_with(206, bytes(parts, "multipart/byteranges"))
        .answers_with(302, ResponseBuilder::new().description("The storage has it, at a signed URL."))
        .answers_with(304, ResponseBuilder::new().description("The caller has it."))
        .bears(200, [H::ETag.always(), H::AcceptRanges.always(), H::ContentDisposition.always()])
        .bears(200, [H::XAccelRedirect.sometimes()])
        .bears(206, [H::ETag.always(), H::AcceptRanges.always(), H::ContentDisposition.always()])
        .bears(206, [H::ContentRange.sometimes()])
        .bears(302, [H::Location.always()])
        .bears(304, [H::ETag.always(), H::AcceptRanges.always(), H::ContentDisposition.always()])
        .bears(416, [H::ContentRange.always()])
        .whatever_is_accepted()
        .fails(ApiError::RangeNotSatisfiable { length: 0 })
        .fails_with(storage_problems())
}

/// Where the storage is asked.
fn storage_problems() -> [ApiError; 2] {
    let source = || std::sync::Arc::new(std::io::Error::from(std::io::ErrorKind::Other));
    [ApiError::Storage { full: false, source: source() }, ApiError::Storage { full: true, source: source() }]
}
