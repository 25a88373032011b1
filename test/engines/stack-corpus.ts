/**
 * Stacks as people write them, for the comparison of Belay's translation with `docker stack deploy`. `files` are given in this
 * order; `extra` are files beside them. Images come by `${IMAGE}`, so that both sides get the same.
 */
export interface StackCase {
  readonly files: Readonly<Record<string, string>>;
  readonly extra?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

const one = (text: string, more: Omit<StackCase, "files"> = {}): StackCase => ({
  files: { "stack.yaml": text },
  ...more,
});

export const STACKS: Readonly<Record<string, StackCase>> = {
  "the least": one("services: { web: { image: $IMAGE } }"),

  "a version line, anchors and merge keys": one(`
version: "3.8"
x-common: &common
  image: \${IMAGE}
  environment: &env { A: "1", B: two }
  deploy: &deploy { replicas: 0 }
services:
  web:
    <<: *common
    environment: { <<: *env, C: three }
  worker:
    <<: *common
    command: sh -c 'echo "hello world"; sleep 1'
    entrypoint: ["/bin/sh", "-c", "exec \\"$$0\\""]
`),

  "everything of a container": one(
    `
services:
  web:
    image: \${IMAGE}
    hostname: "{{.Node.Hostname}}-web"
    user: "1000:1000"
    working_dir: /srv
    tty: true
    stdin_open: true
    read_only: true
    init: true
    stop_signal: SIGQUIT
    stop_grace_period: 1m30s
    isolation: default
    cap_add: [net_admin, CAP_SYS_TIME, NET_ADMIN]
    cap_drop: [ALL, sys_time]
    dns: [10.0.0.53, 10.0.0.54]
    dns_search: example.org
    extra_hosts: ["b.example:10.1.1.2", "a.example=10.1.1.1", "six:[::1]"]
    sysctls: { net.core.somaxconn: 512 }
    ulimits: { nofile: { soft: 1000, hard: 2000 }, nproc: 500, core: 0 }
    labels: { org.example.container: "yes", n: "1" }
    logging: { driver: json-file, options: { max-size: 1m, max-file: "3" } }
    environment:
      EMPTY: ""
      NOTHING:
      DOLLAR: $$HOME
      NUMBER: 12
      BOOL: "true"
      UNICODE: "grüße: \\"=\\" 'x'"
      FROM: \${FROM}
      DEFAULT: \${UNSET_ANYWHERE:-fallback}
      LINES: "a\\nb"
    env_file: [web.env]
    deploy: { replicas: 0, labels: { org.example.service: "1" } }
`,
    { extra: { "web.env": 'FILE=1\nQUOTED="a b"\nDOLLAR=lost\n# no\n' }, env: { FROM: "it's $odd" } },
  ),

  "health checks": one(`
services:
  shell: { image: "\${IMAGE}", healthcheck: { test: wget -q localhost, interval: 1s500ms, timeout: 2s, retries: 3, start_period: 1m, start_interval: 250ms } }
  exec: { image: "\${IMAGE}", healthcheck: { test: ["CMD", "true"], retries: 0 } }
  off: { image: "\${IMAGE}", healthcheck: { disable: true } }
  none: { image: "\${IMAGE}", healthcheck: { test: ["NONE"] } }
`),

  "how it is deployed": one(`
services:
  web:
    image: \${IMAGE}
    deploy:
      mode: replicated
      replicas: 3
      endpoint_mode: dnsrr
      update_config: { parallelism: 0, delay: 10s, failure_action: rollback, monitor: 500ms, max_failure_ratio: 0.25, order: start-first }
      rollback_config: { delay: 1s, failure_action: continue, order: stop-first }
      restart_policy: { condition: on-failure, delay: 5s, max_attempts: 0, window: 2m }
      placement:
        constraints: [node.role == worker, "node.labels.zone != none"]
        preferences: [{ spread: node.labels.zone }, { spread: node.labels.rack }]
        max_replicas_per_node: 1
      resources:
        limits: { cpus: "0.50", memory: 64M, pids: 100 }
        reservations: { cpus: "0.25", memory: 1G, generic_resources: [{ discrete_resource_spec: { kind: gpu, value: 2 } }] }
      labels: ["a=b", "empty"]
  agent: { image: "\${IMAGE}", deploy: { mode: global, update_config: {}, resources: { limits: { memory: 6m } } } }
  job: { image: "\${IMAGE}", deploy: { mode: replicated-job, replicas: 2, restart_policy: { condition: none } } }
  sweep: { image: "\${IMAGE}", deploy: { mode: global-job, restart_policy: { condition: on-failure, max_attempts: 2 } } }
`),

  "restart without a policy": one(`
services:
  a: { image: "\${IMAGE}", restart: always }
  b: { image: "\${IMAGE}", restart: unless-stopped }
  c: { image: "\${IMAGE}", restart: "on-failure:5" }
  d: { image: "\${IMAGE}", restart: "no" }
  e: { image: "\${IMAGE}", restart: on-failure }
`),

  "ports, short and long": one(`
services:
  web:
    image: \${IMAGE}
    ports:
      - "18081:80"
      - "18080:8080/tcp"
      - "19000-19002:9000-9002/udp"
      - "3000"
      - { target: 443, published: 18443, protocol: tcp, mode: host }
      - { target: 53, mode: host, protocol: udp }
`),

  "mounts and volumes": one(
    `
services:
  db:
    image: \${IMAGE}
    volumes:
      - data:/var/lib/data
      - data:/copy:ro,nocopy
      - /anonymous
      - /etc/hosts:/etc/other:ro
      - ./relative:/relative
      - { type: bind, source: /tmp, target: /t, bind: { propagation: rslave } }
      - { type: tmpfs, target: /scratch, tmpfs: { size: 1048576 } }
      - { type: tmpfs, target: /scratch2 }
      - { type: volume, source: named, target: /named, volume: { nocopy: true } }
      - { type: volume, source: shared, target: /shared, read_only: true, consistency: cached }
volumes:
  data:
  named: { name: "named-\${IMAGE_NAME}", driver: local, driver_opts: { type: tmpfs, device: tmpfs, o: "size=1m" }, labels: { a: b } }
  shared: { external: true, name: shared-volume }
`,
    { env: { IMAGE_NAME: "web" } },
  ),

  networks: one(`
services:
  web:
    image: \${IMAGE}
    networks:
      front: { aliases: [www, site] }
      back:
  db: { image: "\${IMAGE}", networks: [back] }
  lonely: { image: "\${IMAGE}" }
  local: { image: "\${IMAGE}", networks: [host] }
networks:
  front: { driver: overlay, attachable: true, internal: true, labels: { a: b }, driver_opts: { encrypted: "" }, ipam: { config: [{ subnet: 10.99.7.0/24 }] } }
  back: { name: backnet }
  host: { external: true, name: host }
`),

  "configs and secrets": one(
    `
services:
  web:
    image: \${IMAGE}
    configs:
      - plain
      - { source: nginx, target: /etc/nginx/nginx.conf, uid: "103", gid: "104", mode: 0440 }
      - there
    secrets: [token, { source: key, target: tls.key, mode: 0400 }, outside]
  other: { image: "\${IMAGE}", secrets: [token], configs: [{ source: nginx }] }
configs:
  plain: { file: ./plain.txt }
  nginx: { file: ./conf/nginx.conf, name: nginx-conf, labels: { a: b }, template_driver: golang }
  there: { external: true, name: there-config }
secrets:
  token: { file: token.txt }
  key: { file: ./key.bin, labels: [x=y] }
  outside: { external: true, name: outside-secret }
`,
    {
      extra: {
        "plain.txt": "plain\n",
        "conf/nginx.conf": "events {}\n",
        "token.txt": "s3cret-token",
        "key.bin": "\u0000\u0001key",
      },
    },
  ),

  "a credential spec": one(`
services:
  web: { image: "\${IMAGE}", credential_spec: { registry: my-spec } }
  file: { image: "\${IMAGE}", credential_spec: { file: spec.json } }
`),

  "several files": {
    files: {
      "base/stack.yaml": `
services:
  web:
    image: \${IMAGE}
    environment: { A: base, B: base }
    ports: ["18080:80"]
    volumes: ["./here:/here"]
    configs: [one]
    deploy: { replicas: 1, labels: { from: base } }
  gone: { image: "\${IMAGE}" }
configs:
  one: { file: one.txt }
`,
      "over/production.yaml": `
services:
  web:
    environment: { B: over, C: over }
    ports: ["18443:443"]
    volumes: ["./there:/there"]
    secrets: [two]
    deploy: { replicas: 2, labels: { to: over }, update_config: { order: start-first } }
secrets:
  two: { file: two.txt }
`,
    },
    extra: { "base/one.txt": "1", "base/two.txt": "2" },
  },

  "keys that a swarm ignores": one(`
services:
  web:
    image: \${IMAGE}
    build: .
    container_name: fixed
    privileged: true
    depends_on: [db]
    devices: ["/dev/null:/dev/null"]
    expose: ["80"]
    network_mode: bridge
    security_opt: ["seccomp:unconfined"]
    tmpfs: /run
    links: [db]
    networks: { default: { ipv4_address: 10.0.9.9 } }
  db: { image: "\${IMAGE}" }
`),
};
