import type { Exchange } from "../api/types";
import { bytesText, durationText, seconds } from "../format/numbers";
import { Moment } from "../ui/time";

// TimingTab shows where the time went, and over which connections.
export function TimingTab({ exchange }: { exchange: Exchange }) {
  const { timings, connection, upstream } = exchange;
  const total = seconds(timings?.duration) ?? 0;
  const bars = [
    { label: "Whole exchange", value: seconds(timings?.duration), kind: "total" },
    { label: "Traffic Policy", value: seconds(timings?.policy), kind: "policy" },
    { label: "Upstream", value: seconds(timings?.upstream), kind: "upstream" },
    { label: "Until the first byte of the answer", value: seconds(timings?.first_byte), kind: "first" },
  ];
  const facts: [string, React.ReactNode][] = [
    ["Received", <Moment key="t" iso={exchange.start_time} />],
    ["Client", connection === null ? "–" : `${connection.client_ip}:${connection.client_port}`],
    ["Server", connection === null ? "–" : `${connection.server_ip}:${connection.server_port}`],
    ["Connection began", <Moment key="c" iso={connection?.start_time ?? null} />],
    ["TLS", connection?.tls ? `${connection.tls.version} ${connection.tls.cipher_suite}${connection.tls.negotiated_protocol === "" ? "" : `, ${connection.tls.negotiated_protocol}`}${connection.tls.resumed ? ", resumed" : ""}` : "none"],
    ["On the wire", connection === null ? "–" : `${bytesText(connection.bytes_in)} in, ${bytesText(connection.bytes_out)} out`],
    ["Upstream", upstream === null ? "not asked" : `${upstream.address}${upstream.connection_reused ? ", connection reused" : ", new connection"}`],
    ["Proxy", <code key="p">{exchange.proxy_id}</code>],
    ["Trace", exchange.trace_id === "" ? "–" : <code key="tr">{exchange.trace_id}</code>],
  ];
  return (
    <>
      <section className="bars">
        {bars.map((b) => (
          <div className="bar" key={b.label}>
            <span>{b.label}</span>
            <meter className={b.kind} min={0} max={total || 1} value={b.value ?? 0} aria-label={b.label} />
            <span className="number">{durationText(b.value)}</span>
          </div>
        ))}
      </section>
      <table className="pairs" aria-label="Connection"><tbody>
        {facts.map(([name, value]) => <tr key={name}><th scope="row">{name}</th><td>{value}</td></tr>)}
      </tbody></table>
    </>
  );
}
