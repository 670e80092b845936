//! Answers that are the same for everybody for as long as the process runs: made once, compressed once, validated by
//! `ETag`.

use std::{io, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{
        CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, VARY,
    },
    web,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::{ApiError, accepted_coding, codings, not_modified};

/// A document that does not change while the process runs. Clones are the same document.
#[derive(Clone)]
pub struct StaticResponse(Arc<Parts>);

struct Parts {
    content_type: &'static str,
    policy: Option<HeaderValue>,
    /// Of the whole, without its quotes and without a coding's suffix.
    digest: String,
    plain: Bytes,
    brotli: OnceCell<Bytes>,
    gzip: OnceCell<Bytes>,
}

type Encoder = fn(&[u8]) -> io::Result<Vec<u8>>;

impl std::fmt::Debug for StaticResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StaticResponse").field("bytes", &self.0.plain.len()).finish_non_exhaustive()
    }
}

impl StaticResponse {
    /// `policy` is the document's `Content-Security-Policy`; without one nothing in it may run, load or be framed.
    #[must_use]
    pub fn new(content_type: &'static str, text: String, policy: Option<HeaderValue>) -> Self {
        Self(Arc::new(Parts {
            content_type,
            policy,
            digest: URL_SAFE_NO_PAD.encode(&Sha256::digest(&text)[..16]),
            plain: text.into(),
            brotli: OnceCell::new(),
            gzip: OnceCell::new(),
        }))
    }

    /// 200, or 304 where the caller has it.
    ///
    /// # Errors
    /// None that a caller can bring about: an encoder that cannot write to memory.
    pub async fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
        let (coding, body) = self.representation(accepted_coding(request, &["br", "gzip"])).await?;
        let tag = match coding {
            Some(coding) => format!("\"{}-{coding}\"", self.0.digest),
            None => format!("\"{}\"", self.0.digest),
        };
        let known = not_modified(request, tag.as_bytes());
        let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response
            .insert_header((ETAG, tag))
            .insert_header((CACHE_CONTROL, "no-cache"))
            .insert_header((VARY, "Accept-Encoding, Origin"));
        if let Some(policy) = &self.0.policy {
            response.insert_header((CONTENT_SECURITY_POLICY, policy.clone()));
        }
        if known {
            return Ok(response.finish());
        }
        if let Some(coding) = coding {
            response.insert_header((CONTENT_ENCODING, coding));
        }
        Ok(response.insert_header((CONTENT_TYPE, self.0.content_type)).body(body))
    }

    /// Compressed when somebody first asks for it, off the workers: it takes longer than a request may.
    async fn representation(
        &self,
        coding: Option<&'static str>,
    ) -> Result<(Option<&'static str>, Bytes), ApiError> {
        let (place, encode): (_, Encoder) = match coding {
            Some("br") => (&self.0.brotli, |plain| codings::brotli(plain, 9)),
            Some("gzip") => (&self.0.gzip, |plain| codings::gzip(plain, 9)),
            _ => return Ok((None, self.0.plain.clone())),
        };
        let plain = self.0.plain.clone();
        let made = place.get_or_try_init(|| async move {
            let encoded = web::block(move || encode(&plain)).await;
            let encoded = encoded.map_err(|_| ApiError::Internal("no thread to compress a document on"))?;
            encoded.map(Bytes::from).map_err(|_| ApiError::Internal("a document cannot be compressed"))
        });
        Ok((coding, made.await?.clone()))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{
        body::to_bytes,
        http::{StatusCode, header},
        test::TestRequest,
    };

    use super::StaticResponse;

    #[actix_web::test]
    async fn each_coding_has_a_tag_of_its_own_and_is_validated_by_it() {
        let text = "a page of text ".repeat(200);
        let page = StaticResponse::new("text/html", text.clone(), None);
        let mut tags = Vec::new();
        for (accepted, coding) in [("br, gzip", Some("br")), ("gzip", Some("gzip")), ("identity", None)] {
            let request = TestRequest::get().insert_header((header::ACCEPT_ENCODING, accepted));
            let answer = page.answer(&request.to_http_request()).await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::OK);
            let sent =
                answer.headers().get(header::CONTENT_ENCODING).map(|coding| coding.to_str().expect("text"));
            assert_eq!(sent, coding);
            let tag = answer.headers().get(header::ETAG).cloned().expect("a tag");
            let body = to_bytes(answer.into_body()).await.expect("a body");
            let plain = match coding {
                Some("br") => {
                    let mut plain = Vec::new();
                    brotli::BrotliDecompress(&mut &body[..], &mut plain).expect("brotli");
                    plain
                }
                Some(_) => std::io::read_to_string(flate2::read::GzDecoder::new(&body[..]))
                    .expect("gzip")
                    .into_bytes(),
                None => body.to_vec(),
            };
            assert!(plain == text.as_bytes());
            let again = TestRequest::get()
                .insert_header((header::ACCEPT_ENCODING, accepted))
                .insert_header((header::IF_NONE_MATCH, tag.clone()));
            let answer = page.answer(&again.to_http_request()).await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
            assert_eq!(answer.headers().get(header::ETAG), Some(&tag));
            tags.push(tag);
        }
        tags.dedup();
        assert_eq!(tags.len(), 3, "{tags:?}");
    }
}
