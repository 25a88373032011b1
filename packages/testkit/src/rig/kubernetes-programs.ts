import { join } from "node:path";
import { API_PORT, NODE_NAME } from "./kubernetes-files.ts";
import type { KubernetesSlot } from "./kubernetes-slot.ts";

export const PROGRAMS = [
  "etcd",
  "apiserver",
  "controller-manager",
  "scheduler",
  "containerd",
  "kubelet",
  "proxy",
] as const;

/** A program of the cluster, in the order in which they are started. */
export type KubernetesProgram = (typeof PROGRAMS)[number];

/** Command lines of the cluster's programs, the program first. */
export function commandsOf(
  slot: KubernetesSlot,
  tools: Readonly<Record<string, string>>,
): Readonly<Record<KubernetesProgram, readonly string[]>> {
  const { folder, hostAddress: host } = slot;
  const pki = (name: string): string => join(folder, "pki", name);
  const admin = `--kubeconfig=${folder}/kubeconfig`;
  const tool = (name: string): string => tools[name] ?? name;
  return {
    etcd: [
      tool("etcd"),
      ...["--data-dir", join(folder, "etcd"), "--unsafe-no-fsync"],
      ...["--listen-client-urls", `http://${host}:2379`, "--advertise-client-urls", `http://${host}:2379`],
      ...["--listen-peer-urls", `http://${host}:2380`, "--initial-advertise-peer-urls", `http://${host}:2380`],
      ...["--initial-cluster", `default=http://${host}:2380`],
    ],
    apiserver: [
      tool("kube-apiserver"),
      `--etcd-servers=http://${host}:2379`,
      ...[`--bind-address=${host}`, `--advertise-address=${host}`, `--secure-port=${API_PORT}`],
      ...[`--tls-cert-file=${pki("apiserver.crt")}`, `--tls-private-key-file=${pki("apiserver.key")}`],
      ...[`--client-ca-file=${pki("ca.crt")}`, `--kubelet-client-certificate=${pki("admin.crt")}`],
      ...[`--kubelet-client-key=${pki("admin.key")}`, "--kubelet-preferred-address-types=InternalIP"],
      ...[`--service-account-key-file=${pki("sa.pub")}`, `--service-account-signing-key-file=${pki("sa.key")}`],
      ...["--service-account-issuer=https://kubernetes.default.svc", `--service-cluster-ip-range=${slot.serviceRange}`],
      ...["--authorization-mode=Node,RBAC", "--allow-privileged=true"],
    ],
    "controller-manager": [
      tool("kube-controller-manager"),
      ...[admin, `--service-account-private-key-file=${pki("sa.key")}`, `--root-ca-file=${pki("ca.crt")}`],
      ...[`--cluster-cidr=${slot.podRange}`, "--allocate-node-cidrs=true", "--leader-elect=false"],
      ...["--use-service-account-credentials=true", `--bind-address=${host}`],
    ],
    scheduler: [tool("kube-scheduler"), admin, "--leader-elect=false", `--bind-address=${host}`],
    containerd: [tool("containerd"), "--config", join(folder, "containerd.toml")],
    kubelet: [
      tool("kubelet"),
      ...[`--config=${folder}/kubelet.yaml`, `--kubeconfig=${folder}/kubelet.conf`, `--node-ip=${host}`],
      ...[`--hostname-override=${NODE_NAME}`, `--root-dir=${folder}/kubelet`, `--cert-dir=${folder}/kubelet/pki`],
    ],
    proxy: [
      tool("nsenter"),
      `--net=/run/netns/${slot.network}`,
      tool("kube-proxy"),
      ...[admin, `--hostname-override=${NODE_NAME}`, "--proxy-mode=iptables", `--cluster-cidr=${slot.podRange}`],
      // They are the machine's, not the namespace's: left as they are.
      ...[
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
      ],
      ...[`--bind-address=${slot.networkAddress}`],
    ],
  };
}
