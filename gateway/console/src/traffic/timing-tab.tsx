import type { Exchange } from "../api/types";
import { bytesText, durationText, seconds } from "../format/numbers";
import { Moment } from "../ui/time";
import { stagesOf } from "./waterfall";

// TimingTab shows where the time went, and over which connections.
export function TimingTab({ exchange }: { exchange: Exchange }) {
  return (
    <>
      <Waterfall exchange={exchange} />
      <Facts exchange={exchange} />
    </>
  );
}

function Waterfall({ exchange }: { exchange: Exchange }) {
  const stages = stagesOf(exchange);
  const total = Math.max(seconds(exchange.timings?.duration) ?? 0, ...stages.map((s) => s.end)) || 1;
  return (
    <section className="waterfall" data-testid="waterfall">
      <h2>Where the time went <span className="faint">{durationText(seconds(exchange.timings?.duration))}</span></h2>
      {stages.map((s, i) => (
        <div className="stage" key={i} title={`from ${durationText(s.start)} to ${durationText(s.end)}${s.note === "" ? "" : `\n${s.note}`}`}>
          <span>{s.label}{s.kind === "failed" && <span className="bad"> {s.note}</span>}</span>
          <span className="track"><i className={s.kind} style={{ left: `${(s.start / total) * 100}%`, width: `max(2px, ${((s.end - s.start) / total) * 100}%)` }} /></span>
          <span className="number">{durationText(s.end - s.start)}</span>
        </div>
      ))}
    </section>
  );
}

function Facts({ exchange }: { exchange: Exchange }) {
  const { connection, upstream } = exchange;
  const geo = connection?.geo;
  const cert = connection?.tls?.client_certificate;
  const tls = connection?.tls;
  const facts: [string, React.ReactNode][] = [
    ["Received", <Moment key="t" iso={exchange.start_time} />],
    ["Client", connection === null ? "–" : `${connection.client_ip}:${connection.client_port}`],
    ["Place", geo && [geo.city, geo.country || geo.country_code, geo.as_organization && `AS${geo.asn} ${geo.as_organization}`].filter(Boolean).join(", ")],
    ["Server", connection === null ? "–" : `${connection.server_ip}:${connection.server_port}`],
    ["Connection began", <Moment key="c" iso={connection?.start_time ?? null} />],
    ["TLS", tls ? [`${tls.version} ${tls.cipher_suite}`, tls.negotiated_protocol, tls.resumed && "resumed"].filter(Boolean).join(", ") : "none"],
    ["JA4", tls?.ja4_fingerprint && <code key="j">{tls.ja4_fingerprint}</code>],
    ["Client certificate", cert && `${cert.subject}, issued by ${cert.issuer}`],
    ["On the wire", connection === null ? "–" : `${bytesText(connection.bytes_in)} in, ${bytesText(connection.bytes_out)} out`],
    ["Upstream", upstream === null ? "not asked" : [upstream.address, upstream.http_version, upstream.connection_reused ? "connection reused" : "new connection"].filter(Boolean).join(", ")],
    ["Proxy", <code key="p">{exchange.proxy_id}</code>],
    ["Trace", exchange.trace_id && <code key="tr">{exchange.trace_id}</code>],
    ["Kept by", exchange.kept_by],
  ];
  return (
    <table className="pairs" aria-label="Connection"><tbody>
      {facts.filter(([, value]) => value).map(([name, value]) => <tr key={name}><th scope="row">{name}</th><td>{value}</td></tr>)}
    </tbody></table>
  );
}
