/**
 * All that docker's command line gets of this process's own variables where it renders files: what it needs to find itself,
 * its settings and its engine. It puts any variable that it has into `${NAME}`, so a secret of the runner that belay.yaml
 * does not name would end up in containers.
 */
export const CLI_VARIABLES: readonly string[] = [
  ...["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LC_ALL", "TZ"],
  ...["SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR"],
  ...["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS", "DOCKER_TLS_VERIFY"],
  ...["DOCKER_API_VERSION", "DOCKER_DEFAULT_PLATFORM", "DOCKER_CUSTOM_HEADERS", "DOCKER_CLI_PLUGIN_EXTRA_DIRS"],
  ...["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"],
  ...["SystemRoot", "ProgramFiles", "ProgramData", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "TEMP", "TMP"],
  ...["PATHEXT", "Path"],
];
