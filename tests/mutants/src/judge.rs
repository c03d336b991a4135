//! Judges mutants: by random programs first, then by the tests that get to them, the quick ones first.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Tests that take less go in one process.
const QUICK: Duration = Duration::from_millis(300);
/// A test that takes longer judges nothing, unless LONGEST says otherwise.
const LONGEST: Duration = Duration::from_secs(100);

/// A test of a program, and the mutants that it gets to.
struct Test {
    program: String,
    name: String,
    takes: Duration,
    reached: HashSet<u32>,
}

/// Where a program ends well in this time, or not.
fn ends_well(command: &mut Command, within: Duration) -> Result<bool, Box<dyn Error>> {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = quiet.env("RUST_BACKTRACE", "0").spawn()?;
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if began.elapsed() > within {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What `work` gives for each, on as many threads as the processor has, in the order of the list.
fn for_each<A: Sync, B: Send>(
    list: &[A],
    work: impl Fn(&A) -> Result<B, Box<dyn Error>> + Sync,
) -> Result<Vec<B>, Box<dyn Error>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<B, String>)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |threads| threads.get()) {
            scope.spawn(|| {
                while let at = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(item) = list.get(at)
                {
                    let result = work(item).map_err(|error| error.to_string());
                    done.lock().expect("no thread panics").push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no thread panics");
    done.sort_by_key(|&(at, _)| at);
    done.into_iter().map(|(_, result)| result.map_err(Into::into)).collect()
}

/// A number in the environment.
fn given(name: &str) -> Result<Option<u64>, Box<dyn Error>> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text.parse().map_err(|_| format!("{name}={text} is not a number"))?)),
        Err(_) => Ok(None),
    }
}

impl Test {
    fn line(&self) -> String {
        let reached: Vec<String> = self.reached.iter().map(u32::to_string).collect();
        format!("{}\t{}\t{}\t{}\n", self.program, self.name, self.takes.as_millis(), reached.join(" "))
    }

    fn read(line: &str) -> Option<Self> {
        let mut parts = line.split('\t');
        let mut next = || parts.next();
        let (program, name) = (next()?.to_owned(), next()?.to_owned());
        let takes = Duration::from_millis(next()?.parse().ok()?);
        let reached = next()?.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Test { program, name, takes, reached })
    }
}

/// What was seen of these programs before, if they are no newer.
fn seen(file: &Path, programs: &[String]) -> Option<Vec<Test>> {
    let changed = |path: &Path| fs::metadata(path).ok()?.modified().ok();
    let when = changed(file)?;
    let is_older = |program: &String| changed(Path::new(program)).is_some_and(|built| built < when);
    let all: Vec<Test> = fs::read_to_string(file).ok()?.lines().map(Test::read).collect::<Option<_>>()?;
    let of_these = programs.iter().all(|program| all.iter().any(|test| test.program == *program));
    (of_these && programs.iter().all(is_older)).then_some(all)
}

/// All tests of the programs, with what each gets to.
fn tests(folder: &Path, programs: &[String]) -> Result<Vec<Test>, Box<dyn Error>> {
    let file = folder.join("reached.tsv");
    if let Some(seen) = seen(&file, programs) {
        return Ok(seen);
    }
    let mut names = Vec::new();
    for program in programs {
        let list = Command::new(program).arg("--list").output()?;
        let list = String::from_utf8(list.stdout)?;
        let of = list.lines().filter_map(|line| line.strip_suffix(": test"));
        names.extend(of.map(|name| (program.clone(), name.to_owned())));
    }
    let next = AtomicUsize::new(0);
    let tests = for_each(&names, |(program, name)| {
        let file = folder.join(format!("reached.{}", next.fetch_add(1, Ordering::Relaxed)));
        let began = Instant::now();
        let mut command = Command::new(program);
        command.args(["--exact", name]).env("TAPE_REACHED", &file);
        if !ends_well(&mut command, 4 * LONGEST)? {
            eprintln!("mutants: {name} fails or takes long without a mutant: it judges nothing");
            return Ok(None);
        }
        let takes = began.elapsed();
        let text = fs::read_to_string(&file).unwrap_or_default();
        let _ = fs::remove_file(&file);
        let reached = text.lines().map(str::parse).collect::<Result<_, _>>()?;
        Ok(Some(Test { program: program.clone(), name: name.clone(), takes, reached }))
    })?;
    let tests: Vec<Test> = tests.into_iter().flatten().collect();
    fs::write(&file, tests.iter().map(Test::line).collect::<String>())?;
    Ok(tests)
}

/// Whether the tests that get to a mutant notice it; nothing where none does.
fn is_noticed(number: u32, tests: &[Test]) -> Result<Option<String>, Box<dyn Error>> {
    let mut of: Vec<&Test> = tests.iter().filter(|test| test.reached.contains(&number)).collect();
    if of.is_empty() {
        return Ok(None);
    }
    of.sort_by_key(|test| test.takes);
    let (quick, long): (Vec<&Test>, Vec<&Test>) = of.into_iter().partition(|test| test.takes < QUICK);
    let mut groups: HashMap<&str, Vec<&Test>> = HashMap::new();
    for test in quick {
        groups.entry(&test.program).or_default().push(test);
    }
    let groups = groups.into_values().chain(long.into_iter().map(|test| vec![test]));
    for group in groups {
        let mut command = Command::new(&group[0].program);
        command.args(["--exact", "--test-threads=1"]).args(group.iter().map(|test| &test.name));
        let takes: Duration = group.iter().map(|test| test.takes).sum();
        if !ends_well(command.env("TAPE_MUTANT", number.to_string()), 5 * takes + LONGEST)? {
            let more = if group.len() > 1 { " and others" } else { "" };
            return Ok(Some(format!("{}{more}", group[0].name)));
        }
    }
    Ok(Some(String::new()))
}

fn by_random_programs(program: &str, number: Option<u32>) -> Result<bool, Box<dyn Error>> {
    let mut command = Command::new(program);
    command.args(["programs", "--quiet"]).env("FUZZ_STOP", "1").env("FUZZ_THREADS", "1");
    if std::env::var_os("FUZZ").is_none() {
        command.env("FUZZ", "400");
    }
    if let Some(number) = number {
        command.env("TAPE_MUTANT", number.to_string());
    }
    Ok(!ends_well(&mut command, 3 * LONGEST)?)
}

/// Writes `judged.tsv` beside the list: the lines of the list, and before each by what the mutant was noticed: `missed`, where
/// tests get to it and none fails; `not reached`, where none gets to it.
pub(crate) fn judge(folder: &Path, fuzz: &str, programs: &[String]) -> Result<(), Box<dyn Error>> {
    if by_random_programs(fuzz, None)? {
        return Err("the random programs fail without a mutant".into());
    }
    let longest = given("LONGEST")?.map_or(LONGEST, Duration::from_secs);
    let tests: Vec<Test> = tests(folder, programs)?.into_iter().filter(|test| test.takes < longest).collect();
    let list = fs::read_to_string(folder.join("mutants.tsv"))?;
    let every = given("SAMPLE")?.map_or(1, |every| every.max(1) as usize);
    let list: Vec<&str> = list.lines().skip(every - 1).step_by(every).collect();
    let path: PathBuf = folder.join("judged.tsv");
    let file = Mutex::new(File::create(&path)?);
    let verdicts = for_each(&list, |line| {
        let number: u32 = line.split('\t').next().unwrap_or_default().parse()?;
        let verdict = match by_random_programs(fuzz, Some(number))? {
            true => "random programs".to_owned(),
            false => match is_noticed(number, &tests)? {
                None => "not reached".to_owned(),
                Some(name) if name.is_empty() => "missed".to_owned(),
                Some(name) => name,
            },
        };
        writeln!(file.lock().expect("no thread panics"), "{verdict}\t{line}")?;
        Ok(verdict)
    })?;
    let count = |which: &str| verdicts.iter().filter(|verdict| *verdict == which).count();
    let (random, missed, apart) = (count("random programs"), count("missed"), count("not reached"));
    println!(
        "mutants: of {} random programs notice {random}, other tests {}; {missed} missed, {apart} that no test gets to: {}",
        verdicts.len(),
        verdicts.len() - random - missed - apart,
        path.display()
    );
    Ok(())
}
