import { expect, it } from "vitest";
import { maskStep } from "./mask-step.ts";

it.each([
  ["ENV TOKEN=s3cret", "ENV TOKEN=****"],
  ["ENV TOKEN=s3cret OTHER=s3cret # buildkit", "ENV TOKEN=**** # buildkit"],
  ["/bin/sh -c #(nop)  ENV TOKEN=s3cret", "/bin/sh -c #(nop)  ENV TOKEN=****"],
  ["cmd /S /C #(nop)  ENV TOKEN=s3cret", "cmd /S /C #(nop)  ENV TOKEN=****"],
  ["ARG TOKEN=s3cret", "ARG TOKEN=****"],
  ["env s3cret", "env ****"],
  ["LABEL key=s3cret # buildkit", "LABEL key=**** # buildkit"],
  ['CMD ["app" "--token=s3cret"]', "CMD ****"],
  ['/bin/sh -c #(nop)  CMD ["s3cret"]', "/bin/sh -c #(nop)  CMD ****"],
  ["HEALTHCHECK &{[s3cret]}", "HEALTHCHECK ****"],
  ["RUN |1 TOKEN=s3cret /bin/sh -c apk add curl # buildkit", "RUN |1 **** /bin/sh -c apk add curl # buildkit"],
  [
    "RUN |2 A=s3cret B=x /bin/sh -c s3cret /bin/bash -euo pipefail -c true",
    "RUN |2 **** /bin/bash -euo pipefail -c true",
  ],
  ["RUN |1 A=/s3cret/bin/sh -c true", "RUN |1 **** sh -c true"],
  ["RUN |1 TOKEN=s3cret /app --install # buildkit", "RUN |1 **** # buildkit"],
  ["|1 TOKEN=two s3cret\nlines /bin/sh -c true", "|1 **** /bin/sh -c true"],
  ["ADD https://ci:s3cret@example.invalid/x / # buildkit", "ADD https://****@example.invalid/x / # buildkit"],
  ["RUN curl ftp://ci:s3@cret@example.invalid/x", "RUN curl ftp://****@example.invalid/x"],
  ["RUN /bin/sh -c npm i https://example.invalid/@acme/x", "RUN /bin/sh -c npm i https://example.invalid/@acme/x"],
  ["RUN /bin/sh -c npm ci # buildkit", "RUN /bin/sh -c npm ci # buildkit"],
  ["COPY . /app # buildkit", "COPY . /app # buildkit"],
  ["USER 1000", "USER 1000"],
  ["bazel build ...", "bazel build ..."],
  ["", ""],
])("the step %j keeps no value: %j", (step, masked) => {
  expect(maskStep(step, false)).toBe(masked);
  expect(maskStep(masked, false)).toBe(masked);
});

it.each([
  ["RUN /bin/sh -c echo s3cret # buildkit", "RUN **** /bin/sh -c **** # buildkit"],
  ["RUN |1 A=s3cret /bin/sh -c echo s3cret # buildkit", "RUN |1 **** /bin/sh -c **** # buildkit"],
  ["/bin/sh -c echo s3cret", "/bin/sh -c ****"],
  ["/bin/sh -c #(nop) COPY dir:s3cret in /app", "/bin/sh -c #(nop) COPY ****"],
  ["RUN /app s3cret", "RUN ****"],
  ["COPY s3cret / # buildkit", "COPY **** # buildkit"],
  ["s3cret", "****"],
])("nor, without commands, a command: %j is %j", (step, masked) => {
  expect(maskStep(step, true)).toBe(masked);
  expect(maskStep(masked, true)).toBe(masked);
});
