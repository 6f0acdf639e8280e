//! `hms-link --listen ADDRESS --to ADDRESS --plan NAME|FILE [--udp] [--seed N]`: a bad link between two real programs.
//! `cargo xtask link` builds and starts it.

use anyhow::{bail, Context, Result};
use hms_link::{Line, Passed, Plan};
use std::net::SocketAddr;
use std::process::ExitCode;

const USAGE: &str = "\
usage: hms-link --listen ADDRESS:PORT --to ADDRESS:PORT --plan NAME|FILE [--udp] [--seed N]
  plans by name: open, rural, thin, flap; a file is TOML, or JSON where it ends in .json";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(&args)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("link: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(args: &[String]) -> Result<()> {
    let (mut listen, mut to, mut plan, mut udp, mut seed) = (None, None, None, false, None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || {
            args.next()
                .cloned()
                .with_context(|| format!("{arg} needs a value\n{USAGE}"))
        };
        match arg.as_str() {
            "--listen" => listen = Some(address(&value()?)?),
            "--to" => to = Some(address(&value()?)?),
            "--plan" => plan = Some(Plan::read(&value()?)?),
            "--seed" => seed = Some(value()?.parse().context("--seed is a whole number")?),
            "--udp" => udp = true,
            other => bail!("there is no {other}\n{USAGE}"),
        }
    }
    let (Some(listen), Some(to), Some(mut plan)) = (listen, to, plan) else {
        bail!("{USAGE}");
    };
    plan.seed = seed.unwrap_or(plan.seed);
    if !udp {
        plan.for_tcp_alone()?;
    }
    let said = plan.describe();
    let line = Line::new(plan);
    let at = line.tcp(listen, to).await?;
    if udp {
        line.udp(at, to).await?;
    }
    let what = if udp { "TCP and UDP" } else { "TCP" };
    println!("link: listens at {at} ({what}), passes on to {to}");
    println!("link: {said}");
    until_told().await?;
    let report = line.report();
    println!(
        "link: {} connections, {} refused, {} cuts at a byte, {} outages",
        report.connections, report.refused, report.cuts, report.outages
    );
    for (name, passed) in [("up", report.up), ("down", report.down)] {
        println!("link: {name}: {}", words(passed));
    }
    Ok(())
}

fn address(text: &str) -> Result<SocketAddr> {
    text.parse()
        .with_context(|| format!("{text} is no address; write it as 127.0.0.1:8443"))
}

fn words(passed: Passed) -> String {
    let Passed {
        sent,
        arrived,
        resent,
        datagrams,
        lost,
    } = passed;
    let mut said = format!("{sent} bytes in, {arrived} out, {resent} packets sent again");
    if datagrams + lost > 0 {
        said += &format!(", {datagrams} datagrams out, {lost} lost");
    }
    said
}

/// Until Ctrl-C, or until it is asked to end.
async fn until_told() -> Result<()> {
    #[cfg(unix)]
    {
        let mut ended = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            done = tokio::signal::ctrl_c() => done?,
            _ = ended.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}
