//! An S3 server for the suites: s3s-fs, which keeps objects in a folder, behind signatures (SigV4).
//!
//! It does what S3 does but for two things, which are done here: parts are listed with their entity tags and in order, and
//! an upload that is over is `NoSuchUpload` rather than a refusal.
//!
//! What is not overridden here is not implemented, and the gateway does not ask for it.
//!
//! ```text
//! s3-server FOLDER BUCKET ACCESS_KEY_ID SECRET_ACCESS_KEY      says `listening ADDRESS`
//! ```

use std::{io, io::Write as _, path::PathBuf};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::{
    S3, S3Request, S3Response, S3Result,
    auth::SimpleAuth,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput,
        DeleteObjectInput, DeleteObjectOutput, ETag, GetObjectInput, GetObjectOutput, HeadObjectInput,
        HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output, ListPartsInput, ListPartsOutput,
        PutObjectInput, PutObjectOutput, UploadPartInput, UploadPartOutput,
    },
    s3_error,
    service::S3ServiceBuilder,
};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

struct Server {
    files: FileSystem,
    root: PathBuf,
}

impl Server {
    fn knows(&self, upload: &str) -> bool {
        let plain = upload.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        plain && self.root.join(format!(".upload-{upload}.json")).is_file()
    }
}

#[async_trait::async_trait]
impl S3 for Server {
    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        let upload = request.input.upload_id.clone();
        if !self.knows(&upload) {
            return Err(s3_error!(NoSuchUpload));
        }
        let mut listed = self.files.list_parts(request).await?;
        for part in listed.output.parts.iter_mut().flatten() {
            let number = part.part_number.unwrap_or_default();
            let path = self.root.join(format!(".upload_id-{upload}.part-{number}"));
            let bytes = tokio::fs::read(path).await.map_err(|_| s3_error!(InternalError))?;
            // Any word that is another one for other bytes will do.
            let tag =
                bytes.iter().fold(0_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add((*byte).into()));
            part.e_tag = Some(ETag::Strong(format!("{tag:032x}")));
        }
        (listed.output.max_parts, listed.output.is_truncated) = (Some(1000), Some(false));
        if let Some(parts) = &mut listed.output.parts {
            parts.sort_by_key(|part| part.part_number);
        }
        Ok(listed)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        if !self.knows(&request.input.upload_id) {
            return Err(s3_error!(NoSuchUpload));
        }
        self.files.complete_multipart_upload(request).await
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.files.abort_multipart_upload(request).await
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.files.create_multipart_upload(request).await
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.files.delete_object(request).await
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        self.files.get_object(request).await
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        self.files.head_object(request).await
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.files.list_objects_v2(request).await
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        self.files.put_object(request).await
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        self.files.upload_part(request).await
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, bucket, id, secret] = &arguments[..] else {
        return Err(io::Error::other("s3-server FOLDER BUCKET ACCESS_KEY_ID SECRET_ACCESS_KEY"));
    };
    let root = PathBuf::from(root);
    std::fs::create_dir_all(root.join(bucket))?;
    let files = FileSystem::new(&root).map_err(|error| io::Error::other(format!("{error:?}")))?;
    let mut service = S3ServiceBuilder::new(Server { files, root });
    service.set_auth(SimpleAuth::from_single(id.clone(), secret.clone()));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(io::stdout(), "listening {}", listener.local_addr()?)?;
    loop {
        let (socket, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            let http = Builder::new(TokioExecutor::new());
            // A caller that goes away is no concern of the server's.
            let _ = http.serve_connection(TokioIo::new(socket), service).await;
        });
    }
}
