import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { KubernetesSlot } from "./kubernetes-slot.ts";
import { PAUSE_IMAGE } from "./pause-image.ts";
import { run } from "./run.ts";

export const NODE_NAME = "node1";
export const API_PORT = 6443;

/** Everything that the programs of a cluster read: keys, configurations, the network plugins. */
export async function writeKubernetesFiles(
  slot: KubernetesSlot,
  tools: Readonly<Record<string, string>>,
): Promise<void> {
  for (const name of ["pki", "log", "containerd", "kubelet", "cni", "cni-bin"]) {
    await mkdir(join(slot.folder, name), { recursive: true });
  }
  await writeKeys(slot, tools.openssl ?? "openssl");
  for (const [user, file] of [
    ["admin", "kubeconfig"],
    ["kubelet", "kubelet.conf"],
  ] as const) {
    await writeFile(join(slot.folder, file), kubeconfig(slot, user), { mode: 0o600 });
  }
  await writeFile(join(slot.folder, "containerd.toml"), containerdSettings(slot));
  await writeFile(join(slot.folder, "kubelet.yaml"), JSON.stringify(kubeletSettings(slot)));
  await writeFile(join(slot.folder, "cni/10-bridge.conflist"), JSON.stringify(networkSettings(slot)));
  await writePlugins(slot, dirname(tools["cni-bridge"] ?? ""), tools.nsenter ?? "nsenter");
}

async function writeKeys(slot: KubernetesSlot, openssl: string): Promise<void> {
  const pki = join(slot.folder, "pki");
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const call = (...args: string[]) => run(openssl, args, { cwd: pki, doing: "making the test cluster's keys" });
  await call(
    "req",
    "-x509",
    "-new",
    ...key,
    "-subj",
    "/CN=belay test",
    "-days",
    "365",
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
  );
  await call("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sa.key");
  await call("ec", "-in", "sa.key", "-pubout", "-out", "sa.pub");
  const addresses = ["127.0.0.1", slot.hostAddress, slot.serviceAddress].map((ip) => `IP:${ip}`).join(",");
  const certificates = [
    ["apiserver", "/O=kube/CN=kube-apiserver", `${addresses},DNS:localhost,DNS:kubernetes.default.svc`],
    ["admin", "/O=system:masters/CN=admin", "DNS:admin"],
    ["kubelet", `/O=system:nodes/CN=system:node:${NODE_NAME}`, `${addresses},DNS:${NODE_NAME}`],
  ] as const;
  for (const [name, subject, names] of certificates) {
    const files = ["-keyout", `${name}.key`, "-out", `${name}.crt`, "-CA", "ca.crt", "-CAkey", "ca.key"];
    const more = ["-addext", `subjectAltName=${names}`, "-addext", "extendedKeyUsage=serverAuth,clientAuth"];
    await call("req", "-x509", "-new", ...key, "-subj", subject, "-days", "365", ...files, ...more);
  }
}

function kubeconfig(slot: KubernetesSlot, user: string): string {
  const pki = join(slot.folder, "pki");
  const cluster = {
    server: `https://${slot.hostAddress}:${API_PORT}`,
    "certificate-authority": join(pki, "ca.crt"),
  };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "belay", cluster }],
    users: [
      { name: user, user: { "client-certificate": join(pki, `${user}.crt`), "client-key": join(pki, `${user}.key`) } },
    ],
    contexts: [{ name: "belay", context: { cluster: "belay", user } }],
    "current-context": "belay",
  });
}

/** containerd 1.6 (Debian): `restrict_oom_score_adj` because a container of a test machine may not lower its own. */
function containerdSettings({ folder }: KubernetesSlot): string {
  return `version = 2
root = "${folder}/containerd/root"
state = "${folder}/containerd/state"
[grpc]
 address = "${folder}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
 path = "${folder}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
 restrict_oom_score_adj = true
 netns_mounts_under_state_dir = true
 sandbox_image = "${PAUSE_IMAGE}"
 [plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "${folder}/cni-bin"
  conf_dir = "${folder}/cni"
 [plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"
`;
}

function kubeletSettings({ folder, hostAddress, serviceAddress, cgroup }: KubernetesSlot): object {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: hostAddress,
    healthzBindAddress: hostAddress,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${folder}/pki/ca.crt` },
    },
    authorization: { mode: "Webhook" },
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${cgroup}`,
    failSwapOn: false,
    failCgroupV1: false,
    // The rules are kube-proxy's, in the network namespace; the kubelet's own would be the host's.
    makeIPTablesUtilChains: false,
    containerRuntimeEndpoint: `unix://${folder}/containerd.sock`,
    tlsCertFile: `${folder}/pki/kubelet.crt`,
    tlsPrivateKeyFile: `${folder}/pki/kubelet.key`,
    evictionHard: { "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
    // A disk that was full is usable again soon, and not only after five minutes.
    evictionPressureTransitionPeriod: "5s",
    imageGCHighThresholdPercent: 99,
    imageGCLowThresholdPercent: 98,
    resolvConf: "/etc/resolv.conf",
    // Nobody answers there; without it every pod would be complained about.
    clusterDNS: [serviceAddress.replace(/1$/, "10")],
    podLogsDir: `${folder}/pod-logs`,
  };
}

function networkSettings({ folder, podRange }: KubernetesSlot): object {
  const subnet = podRange.replace(/\/18$/, "/24");
  const ipam = {
    type: "host-local",
    ranges: [[{ subnet }]],
    routes: [{ dst: "0.0.0.0/0" }],
    dataDir: `${folder}/cni-state`,
  };
  const bridge = { type: "bridge", bridge: "cnik8s0", isGateway: true, ipMasq: false, hairpinMode: true, ipam };
  const portmap = { type: "portmap", capabilities: { portMappings: true } };
  return { cniVersion: "0.4.0", name: "pod", plugins: [bridge, portmap] };
}

/**
 * containerd stays in the host's network, so that it reaches registries on loopback; its network plugins work in the
 * cluster's namespace.
 */
async function writePlugins(slot: KubernetesSlot, folder: string, nsenter: string): Promise<void> {
  const own = join(slot.folder, "cni-bin");
  for (const name of ["bridge", "portmap"]) {
    const path = join(own, name);
    const program = join(folder, name);
    await writeFile(path, `#!/bin/sh\nexec ${nsenter} --net=/run/netns/${slot.network} ${program} "$@"\n`);
    await chmod(path, 0o755);
  }
  for (const name of ["host-local", "loopback"]) await symlink(join(folder, name), join(own, name));
}
