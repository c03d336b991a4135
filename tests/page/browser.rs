//! Chromium without a window, driven by the DevTools protocol over two pipes: nothing is installed, no port is opened.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How a page is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) dark: bool,
    pub(crate) reduced_motion: bool,
}

impl Look {
    pub(crate) const DESK: Look = Look { width: 1200, height: 900, dark: false, reduced_motion: false };
    pub(crate) const PHONE: Look = Look { width: 390, height: 844, dark: true, reduced_motion: false };
}

pub(crate) struct Browser {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    profile: PathBuf,
    session: Option<String>,
    next: u64,
    /// What was reported meanwhile.
    events: VecDeque<Value>,
}

impl Browser {
    /// Starts the program that the variable `CHROMIUM` names, or `chromium`.
    pub(crate) fn start(look: Look) -> Self {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let profile = std::env::temp_dir().join(format!("tape-page-profile-{}-{number}", std::process::id()));
        let program = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".into());
        // The protocol's pipes are the descriptors 3 and 4.
        let script = format!(
            "exec \"$0\" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
             --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage \
             --user-data-dir='{}' --remote-debugging-pipe about:blank 3<&0 4>&1 </dev/null >/dev/null 2>&1",
            profile.display()
        );
        let mut process = Command::new("sh")
            .args(["-c", &script, &program])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let commands = process.stdin.take().expect("a pipe");
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut browser =
            Browser { process, commands, answers, profile, session: None, next: 0, events: VecDeque::new() };
        browser.attach(look);
        browser
    }

    fn attach(&mut self, look: Look) {
        let targets = self.call("Target.getTargets", json!({}));
        let is_page = |target: &&Value| target["type"] == "page";
        let page =
            targets["targetInfos"].as_array().and_then(|all| all.iter().find(is_page)).expect("a page");
        let attached =
            self.call("Target.attachToTarget", json!({"targetId": page["targetId"], "flatten": true}));
        self.session = Some(attached["sessionId"].as_str().expect("a session").to_owned());
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
        self.look(look);
    }

    pub(crate) fn look(&mut self, look: Look) {
        let Look { width, height, dark, reduced_motion } = look;
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}),
        );
        let scheme = if dark { "dark" } else { "light" };
        let motion = if reduced_motion { "reduce" } else { "no-preference" };
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": motion}
        ]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// Sends a command and waits for its answer.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut command = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            command["sessionId"] = session.as_str().into();
        }
        let mut text = command.to_string().into_bytes();
        text.push(0);
        self.commands.write_all(&text).expect("Chromium reads");
        loop {
            let mut answer = Vec::new();
            self.answers.read_until(0, &mut answer).expect("Chromium answers");
            assert_eq!(answer.pop(), Some(0), "Chromium has ended: is it installed?");
            let answer: Value = serde_json::from_slice(&answer).expect("answers are JSON");
            if answer["id"] != id {
                self.events.push_back(answer);
                continue;
            }
            assert!(answer.get("error").is_none(), "{method}: {}", answer["error"]);
            return answer["result"].clone();
        }
    }

    /// The value of an expression of JavaScript.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let found = self.call("Runtime.evaluate", asked);
        assert!(found.get("exceptionDetails").is_none(), "{expression}: {}", found["exceptionDetails"]);
        found["result"]["value"].clone()
    }

    pub(crate) fn text(&mut self, selector: &str) -> String {
        let text = self.eval(&format!("document.querySelector({selector:?})?.textContent ?? ''"));
        text.as_str().expect("a text").to_owned()
    }

    /// Opens a file, and waits for the first step.
    pub(crate) fn open(&mut self, path: &Path, fragment: &str) -> Duration {
        self.open_until(path, fragment, "!!document.querySelector('#card h2')")
    }

    /// Opens a file, and waits for something.
    pub(crate) fn open_until(&mut self, path: &Path, fragment: &str, is_there: &str) -> Duration {
        self.call("Page.navigate", json!({"url": "about:blank"}));
        let began = Instant::now();
        self.call("Page.navigate", json!({"url": format!("file://{}{fragment}", path.display())}));
        while self.eval(&format!("document.readyState === 'complete' && {is_there}")) != true {
            assert!(began.elapsed() < Duration::from_secs(20), "it is not shown");
        }
        began.elapsed()
    }

    /// Presses a key, as a keyboard does.
    pub(crate) fn key(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Tab" => 9,
            "Escape" => 27,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            "End" => 35,
            "Home" => 36,
            "PageUp" => 33,
            "PageDown" => 34,
            "Backspace" => 8,
            " " => 32,
            _ => 0,
        };
        let mut down = json!({"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code});
        let text = if key == "Enter" { "\r" } else { key };
        if text.chars().count() == 1 {
            down["text"] = text.into();
        }
        self.call("Input.dispatchKeyEvent", down);
        self.call("Input.dispatchKeyEvent", json!({"type": "keyUp", "key": key, "code": key}));
    }

    /// What was written to the console, went wrong, or was asked of the network, but for the file itself.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        let is_complaint = |event: &Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Log.entryAdded" | "Runtime.consoleAPICalled") => true,
            Some("Network.requestWillBeSent") => {
                let url = event["params"]["request"]["url"].as_str().unwrap_or_default();
                !url.starts_with("file://") && !url.starts_with("data:") && url != "about:blank"
            }
            _ => false,
        };
        self.events.drain(..).filter(is_complaint).map(|event| event.to_string()).collect()
    }

    /// Roles and names of all that the keyboard reaches, as assistive technology sees them.
    pub(crate) fn controls(&mut self) -> Vec<(String, String)> {
        let tree = self.call("Accessibility.getFullAXTree", json!({}));
        let is_control = |role: &str| {
            matches!(
                role,
                "button" | "radio" | "combobox" | "checkbox" | "link" | "textbox" | "slider" | "tab"
            )
        };
        let mut controls = Vec::new();
        for node in tree["nodes"].as_array().expect("a tree").iter().filter(|node| node["ignored"] == false) {
            let role = node["role"]["value"].as_str().unwrap_or_default();
            let properties = node["properties"].as_array();
            let is_focusable = properties.is_some_and(|all| {
                all.iter().any(|one| one["name"] == "focusable" && one["value"]["value"] == true)
            });
            if is_control(role) || is_focusable {
                let name = node["name"]["value"].as_str().unwrap_or_default();
                controls.push((role.to_owned(), name.to_owned()));
            }
        }
        controls
    }

    /// A picture for whoever looks at pages, where `PAGE_SHOTS` names a folder.
    pub(crate) fn shot(&mut self, name: &str) {
        let Ok(folder) = std::env::var("PAGE_SHOTS") else { return };
        let picture = self.call("Page.captureScreenshot", json!({}));
        let bytes = base64(picture["data"].as_str().expect("a picture"));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), bytes).expect("a picture is written");
    }
}

/// Only the process that was started here is ended.
impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.commands.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let began = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// The bytes that a text of base 64 stands for.
pub(crate) fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u32> = text
        .bytes()
        .filter_map(|byte| DIGITS.iter().position(|&digit| digit == byte))
        .map(|d| d as u32)
        .collect();
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for four in digits.chunks(4) {
        let word = four.iter().fold(0, |word, digit| word << 6 | digit) << (6 * (4 - four.len()));
        bytes.extend(word.to_be_bytes()[1..].iter().take(four.len() * 3 / 4));
    }
    bytes
}

#[test]
fn base_64_is_read() {
    assert_eq!(base64("aGVsbG8="), b"hello");
    assert_eq!(base64("aGk="), b"hi");
    assert_eq!(base64("aGV5"), b"hey");
}
