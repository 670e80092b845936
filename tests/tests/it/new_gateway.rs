//! A new user's way: `bff new shop`, and then what the README that it writes says, word by word.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Program, program, run_bff, soon};
use tokio::process::Command;

const WRITTEN_ADDRESS: &str = "http://127.0.0.1:8080";
const NEGATIVE: &str = r#"
home.items[0]?.maker?.country satisfies string | undefined;
home.news satisfies { title: string; at: string }[] | null;
const small = await unwrap(bff.screen("/bff/home", { view: "compact" }));
small.items[0]?.maker?.name satisfies string | undefined;
for await (const line of bff.stream("/bff/home")) {
  if (line.part === "news") line.data satisfies { title: string; at: string }[] | null;
}
const { data } = await bff.GET("/api/items/{id}", { params: { path: { id: "lamp" } } });
data?.price satisfies number | undefined;
// @ts-expect-error what the compact view leaves out
small.items[0]?.maker?.country;
// @ts-expect-error a field that the document lacks
home.posts;
// @ts-expect-error a screen of another product
bff.screen("/bff/home-feed");
// @ts-expect-error a parameter of another type
bff.screen("/bff/home", { query: { limit: "five" } });
// @ts-expect-error a call that there is not
bff.GET("/api/recipes");
"#;

/// The folder that `bff new shop` has made, in a folder that goes with it.
struct Shop {
    parent: TempDir,
}

impl Shop {
    async fn new() -> Self {
        let parent = TempDir::new().expect("a folder");
        let (code, said) = run_bff(&["new", "shop"], &[], parent.path()).await;
        assert_eq!(code, Some(0), "{said}");
        Self { parent }
    }

    fn path(&self) -> PathBuf {
        self.parent.path().join("shop")
    }

    /// The lines of README that are commands, as they are written.
    fn commands(&self, first: &str) -> Vec<String> {
        let readme = fs::read_to_string(self.path().join("README.md")).expect("README.md");
        let indented = readme.lines().filter_map(|line| line.strip_prefix("    "));
        let lines = indented.map(|line| line.split("  #").next().unwrap_or(line).trim().to_owned());
        lines.filter(|line| line.starts_with(first)).collect()
    }

    /// The one command of README that begins so, to be run in the folder: the program, and its arguments.
    fn command(&self, first: &str) -> Command {
        let lines = self.commands(first);
        let [line] = &lines[..] else { panic!("{first}: {lines:?}") };
        let mut words = line.split_whitespace();
        let name = words.next().expect("a program");
        let mut command = if name == "bff" { Command::new(program("bff")) } else { Command::new(name) };
        command.args(words).current_dir(self.path()).kill_on_drop(true);
        command
    }

    /// Starts the two programs, as README says but for the ports.
    async fn start(&self) -> Running {
        let mut command = self.command("node service.mjs");
        let mut service = Program::start({
            command.env("PORT", "0");
            command
        });
        let line = service.line("the service listens on ").await;
        let url = line.rsplit(' ').next().expect("its address").to_owned();
        let gateway = self.serve(&url).await;
        Running { service, url, gateway }
    }

    async fn serve(&self, service: &str) -> (Program, String) {
        let mut command = self.command("bff serve");
        command.env_clear().env("BFF__UPSTREAMS__SERVICE__URL", service);
        command.env("BFF__HTTP__LISTEN", "127.0.0.1:0").env("BFF__INTERNAL__LISTEN", "127.0.0.1:0");
        let mut gateway = Program::start(command);
        let line = gateway.line("listening ").await;
        let address = line.split(' ').find_map(|word| word.strip_prefix("http=")).expect("its address");
        (gateway, format!("http://{address}"))
    }

    /// Runs lines of README in the shell, against this gateway: what they print.
    async fn sh(&self, lines: &[String], gateway: &str) -> Value {
        let script = lines.join("\n").replace(WRITTEN_ADDRESS, gateway);
        serde_json::from_str(&run(Command::new("sh").args(["-ec", &script]).current_dir(self.path())).await)
            .expect("JSON")
    }
}

/// The service and the gateway.
struct Running {
    service: Program,
    url: String,
    gateway: (Program, String),
}

async fn run(command: &mut Command) -> String {
    let output = soon("the end of a command", command.kill_on_drop(true).output()).await.expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

async fn stop(program: Program, code: Option<i32>) {
    program.terminate().await;
    assert_eq!(program.ended().await.code(), code);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_gateway_answers_its_screen_and_its_route_by_the_commands_of_its_readme() {
    let shop = Shop::new().await;
    let said = run(&mut shop.command("bff check")).await;
    assert_eq!(said.trim(), "ok: 1 screens, 1 routes, 1 upstreams");

    let Running { service, gateway: (gateway, address), .. } = shop.start().await;
    let reads = shop.commands("curl ");
    let home = shop.sh(&reads[..1], &address).await;
    assert_eq!(home["degraded"], json!([]));
    assert_eq!(
        (&home["items"][0]["id"], &home["items"][0]["maker"]["name"]),
        (&json!("lamp"), &json!("Lumen"))
    );
    assert_eq!((&home["items"][2]["makerId"], &home["items"][2]["maker"]), (&Value::Null, &Value::Null));
    assert_eq!(home["news"].as_array().expect("news").len(), 2);
    let lamp = shop.sh(&reads[1..2], &address).await;
    assert_eq!((&lamp["price"], &lamp["maker"]["country"]), (&json!(4900), &json!("KR")));

    stop(service, None).await;
    stop(gateway, Some(0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_route_that_waits_in_a_comment_writes_once_the_user_has_signed_in() {
    let shop = Shop::new().await;
    let Running { service, url, gateway: (gateway, _) } = shop.start().await;
    let file = shop.path().join("routes/items.toml");
    let text = fs::read_to_string(&file).expect("routes");
    let (before, waiting) = text.split_once("# [[route]]").expect("a route in a comment");
    let uncommented = waiting.replace("\n# ", "\n");
    fs::write(&file, format!("{before}[[route]]{uncommented}")).expect("a change");
    stop(gateway, Some(0)).await;
    let (gateway, address) = shop.serve(&url).await;

    // Signs in, takes the CSRF token, writes, and reads the writer's page.
    let lines: Vec<String> = shop.commands("").into_iter().filter(|line| line.contains("curl ")).collect();
    assert_eq!(lines.len(), 6, "{lines:?}");
    let signed_in = shop.sh(&lines[2..3], &address).await;
    assert_eq!(signed_in["user"]["username"], "ada");
    let made = shop.sh(&lines[3..5], &address).await;
    assert_eq!((&made["name"], &made["price"]), (&json!("Tea pot"), &json!(2400)));
    let home = shop.sh(&lines[5..], &address).await;
    assert_eq!(home["items"][0]["name"], "Tea pot");
    let wrong = [lines[3].clone(), lines[4].replace("2400", "-1")];
    let refused = shop.sh(&wrong, &address).await;
    assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&json!(422), &json!("price")));

    stop(service, None).await;
    stop(gateway, Some(0)).await;
}

#[tokio::test]
async fn what_is_there_already_or_cannot_be_made_is_one_error() {
    let shop = Shop::new().await;
    let kept = fs::read(shop.path().join("gateway.toml")).expect("a file");
    fs::write(shop.parent.path().join("file"), "mine").expect("a file");
    for (dir, expected) in [
        ("shop", "shop is not empty\n"),
        ("file", "file is no folder\n"),
        ("a\"b", "`a\"b` cannot name a product"),
        ("a\nb", "`a\\nb` cannot name a product"),
        (".hidden", "`.hidden` cannot name a product"),
        ("/proc/nowhere/shop", "/proc/nowhere/shop: "),
    ] {
        let (code, said) = run_bff(&["new", dir], &[], shop.parent.path()).await;
        assert_eq!(code, Some(1), "{dir}: {said}");
        assert!(said.starts_with(expected) && said.trim_end().lines().count() == 1, "{said}");
    }
    assert_eq!(fs::read(shop.path().join("gateway.toml")).expect("a file"), kept);
    let left = fs::read_dir(shop.parent.path()).expect("a folder").count();
    assert_eq!(left, 2, "the shop and the file");
}

#[tokio::test]
async fn the_typed_client_compiles_against_what_the_command_prints() {
    let shop = Shop::new().await;
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/typescript");
    assert!(package.join("node_modules").exists(), "`npm ci` in schemas/typescript brings the generator");
    let [print, generate] = &["bff openapi", "npx openapi-typescript"].map(|first| {
        let lines = shop.commands(first);
        assert_eq!(lines.len(), 1, "{first}");
        lines[0].clone()
    });
    let print = print.replace("bff ", &format!("{} ", program("bff").display()));
    let _ = run(Command::new("sh").args(["-ec", &print]).current_dir(shop.path())).await;
    let generator = package.join("node_modules/openapi-typescript/bin/cli.js");
    let generate = generate.replace("npx openapi-typescript", &format!("node {}", generator.display()));
    let _ = run(Command::new("sh").args(["-ec", &generate]).current_dir(shop.path())).await;

    let readme = fs::read_to_string(shop.path().join("README.md")).expect("README.md");
    let snippet =
        readme.split("```ts\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a snippet");
    fs::write(shop.path().join("page.ts"), format!("{snippet}{NEGATIVE}")).expect("the page");
    fs::write(shop.path().join("package.json"), r#"{"type": "module"}"#).expect("the package");
    let settings = json!({
        "compilerOptions": {
            "target": "ES2022", "module": "NodeNext", "moduleResolution": "NodeNext", "strict": true, "noEmit": true,
            "lib": ["ES2023", "DOM", "DOM.Iterable", "DOM.AsyncIterable"], "types": [], "skipLibCheck": true,
            "noUncheckedIndexedAccess": true, "exactOptionalPropertyTypes": true,
            "paths": { "bff-client": [package.canonicalize().expect("a folder").join("src/index.ts")] },
        },
        "files": ["page.ts"],
    });
    fs::write(shop.path().join("tsconfig.json"), settings.to_string()).expect("the settings");
    let compiler = package.join("node_modules/typescript/bin/tsc");
    let _ = run(Command::new("node").arg(compiler).current_dir(shop.path())).await;
}
