/** Apart from the rest of the client, most of which are the API's generated types: loading those would be felt. */
export { KubeConfig } from "@kubernetes/client-node";
