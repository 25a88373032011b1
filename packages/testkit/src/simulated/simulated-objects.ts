import type { SimulatedInstance } from "./simulated-fleet.ts";

export const NAMESPACE = "fleet";
const AT = "2026-01-02T03:04:05Z";

type Json = Readonly<Record<string, unknown>>;

export function deploymentName(service: number): string {
  return `service-${service}`;
}

/** A Deployment whose new release is on its way, as its controller has seen it. */
export function deploymentOf(service: number, replicas: number, version: number): Json {
  const name = deploymentName(service);
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      ...metaOf(name, `deployment-${service}`, version),
      generation: 2,
      labels: { app: name },
      annotations: { "deployment.kubernetes.io/revision": "2" },
      managedFields: managed("apps/v1", "kubectl", "kube-controller-manager"),
    },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: templateOf(service, 2, {}),
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    },
    status: {
      observedGeneration: 2,
      replicas,
      updatedReplicas: 1,
      readyReplicas: replicas,
      availableReplicas: replicas,
      conditions: [
        {
          type: "Available",
          status: "True",
          lastUpdateTime: AT,
          lastTransitionTime: AT,
          reason: "MinimumReplicasAvailable",
          message: "Deployment has minimum availability.",
        },
      ],
    },
  };
}

export function replicaSetOf(service: number, release: 1 | 2, version: number): Json {
  const name = setName(service, release);
  const labels = { "pod-template-hash": hashOf(release) };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      ...metaOf(name, setUid(service, release), version),
      generation: 1,
      labels: { app: deploymentName(service), ...labels },
      annotations: { "deployment.kubernetes.io/desired-replicas": "10", "deployment.kubernetes.io/max-replicas": "11" },
      ownerReferences: [owner("Deployment", deploymentName(service), `deployment-${service}`)],
      managedFields: managed("apps/v1", "kube-controller-manager", "kube-controller-manager"),
    },
    spec: {
      replicas: 5,
      selector: { matchLabels: { app: deploymentName(service), ...labels } },
      template: templateOf(service, release, labels),
    },
    status: { replicas: 5, fullyLabeledReplicas: 5, readyReplicas: 5, availableReplicas: 5, observedGeneration: 1 },
  };
}

/** A pod that is ready, with a sidecar and an init container that has done its work. */
export function podOf({ id, service, slot, release, version: born }: SimulatedInstance, version: number): Json {
  const name = `${setName(service, release)}-${id.replace(/0+$/, "")}`;
  const labels = { "pod-template-hash": hashOf(release) };
  const { metadata, spec } = templateOf(service, release, labels);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...metaOf(name, `pod-${id}`, version),
      creationTimestamp: timeOf(born),
      generateName: `${setName(service, release)}-`,
      generation: 1,
      labels: metadata.labels,
      ownerReferences: [owner("ReplicaSet", setName(service, release), setUid(service, release))],
      managedFields: managed("v1", "kube-controller-manager", "kubelet"),
    },
    spec: {
      ...spec,
      nodeName: `node-${slot}`,
      serviceAccountName: "default",
      serviceAccount: "default",
      tolerations: ["not-ready", "unreachable"].map((one) => ({
        key: `node.kubernetes.io/${one}`,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 300,
      })),
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: "PreemptLowerPriority",
    },
    status: statusOf(service, slot, release, timeOf(born)),
  };
}

function statusOf(service: number, slot: number, release: 1 | 2, at: string): Json {
  const image = imageOf(service, release);
  const containerID = `containerd://${String(release).repeat(64)}`;
  const running = { running: { startedAt: at } };
  const done = { terminated: { exitCode: 0, reason: "Completed", startedAt: at, finishedAt: at, containerID } };
  const shown = (name: string, state: object) => ({
    name,
    state,
    lastState: {},
    ready: true,
    restartCount: 0,
    image,
    imageID: image,
    containerID,
    started: "running" in state,
  });
  return {
    observedGeneration: 1,
    phase: "Running",
    conditions: ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"].map(
      (type) => ({
        type,
        observedGeneration: 1,
        status: "True",
        lastProbeTime: null,
        lastTransitionTime: at,
      }),
    ),
    hostIP: `10.1.0.${slot}`,
    hostIPs: [{ ip: `10.1.0.${slot}` }],
    podIP: `10.2.${service % 250}.${slot}`,
    podIPs: [{ ip: `10.2.${service % 250}.${slot}` }],
    startTime: at,
    initContainerStatuses: [shown("migrate", done)],
    containerStatuses: [shown("main", running), shown("proxy", running)],
    qosClass: "Burstable",
  };
}

/** Each instance has times of its own, as in life, where little is the same in two of them. */
function timeOf(version: number): string {
  return `${new Date(Date.parse(AT) + version * 1_000).toISOString().slice(0, 19)}Z`;
}

function templateOf(service: number, release: 1 | 2, labels: Readonly<Record<string, string>>) {
  const container = (name: string): Json => ({
    name,
    image: imageOf(service, release),
    env: [
      { name: "SERVICE", value: `service-${service}` },
      { name: "LOG_LEVEL", value: "info" },
      { name: "DATABASE_HOST", value: "database.internal" },
    ],
    resources: { limits: { memory: "256Mi" }, requests: { cpu: "100m", memory: "256Mi" } },
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: "IfNotPresent",
  });
  const readinessProbe = {
    httpGet: { path: "/healthz", port: 8080, scheme: "HTTP" },
    timeoutSeconds: 1,
    periodSeconds: 5,
    successThreshold: 1,
    failureThreshold: 3,
  };
  return {
    metadata: { labels: { app: deploymentName(service), ...labels } },
    spec: {
      containers: [
        { ...container("main"), ports: [{ containerPort: 8080, protocol: "TCP" }], readinessProbe },
        container("proxy"),
      ],
      initContainers: [container("migrate")],
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      dnsPolicy: "ClusterFirst",
      securityContext: {},
      schedulerName: "default-scheduler",
    },
  };
}

function imageOf(service: number, release: 1 | 2): string {
  return `registry.test/fleet/service-${service}@sha256:${String(release).repeat(64)}`;
}

function hashOf(release: 1 | 2): string {
  return release === 1 ? "6c8f5d7b9" : "7d9c6e8fb";
}

function setName(service: number, release: 1 | 2): string {
  return `${deploymentName(service)}-${hashOf(release)}`;
}

function setUid(service: number, release: 1 | 2): string {
  return `set-${service}-${release}`;
}

function metaOf(name: string, uid: string, version: number): Json {
  return { name, namespace: NAMESPACE, uid, resourceVersion: `${version}`, creationTimestamp: AT };
}

function owner(kind: string, name: string, uid: string): Json {
  return { apiVersion: "apps/v1", kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** As long as the real ones are, which make up a good part of an object. */
function managed(apiVersion: string, first: string, second: string): Json[] {
  const fields = (names: readonly string[]): Json => Object.fromEntries(names.map((name) => [`f:${name}`, {}]));
  const container = fields(["image", "imagePullPolicy", "name", "resources", "terminationMessagePath", "env", "ports"]);
  const spec = { 'k:{"name":"main"}': container, 'k:{"name":"proxy"}': container, 'k:{"name":"migrate"}': container };
  const status = fields(["conditions", "containerStatuses", "hostIP", "phase", "podIP", "podIPs", "startTime"]);
  const entry = { operation: "Update", apiVersion, time: AT, fieldsType: "FieldsV1" };
  return [
    { manager: first, ...entry, fieldsV1: { "f:metadata": fields(["labels", "annotations"]), "f:spec": spec } },
    { manager: second, ...entry, fieldsV1: { "f:status": status }, subresource: "status" },
  ];
}
