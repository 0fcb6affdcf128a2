/* This file asks the certificate authority of one's own organisation, at the organisation's host or
 * itself, and keeps where it is. */
#include "served/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "client_private.h"

#define KEPT                                                                                       \
	"%s/host/login" /* "URL[ NAME]", and the PEM of its roots, which libcurl reads there       \
			 */
#define KEPT_MAX ((size_t)64 << 10)
#define RELAY_MS 15000u
#define HOST_MS 25000u /* it may take the other time */
#define PEM "-----BEGIN CERTIFICATE-----"

typedef struct kept {
	char file[PATH_MAX], url[EMR_AUTHORITY_NODE_BYTES], name[EMR_AUTHORITY_NAME_MAX + 1];
} kept;

static emr_status read_kept(const char *dir, kept *out)
{
	EMR_AUTO_BUF text = {0};

	if (snprintf(out->file, sizeof out->file, KEPT, dir) >= (int)sizeof out->file)
		return EMR_INVALID;
	EMR_TRY(emr_file_read(AT_FDCWD, out->file, KEPT_MAX, &text));
	EMR_TRY(emr_buf_append(&text, "", 1));
	/* libcurl passes over the line in front of the certificates. */
	return sscanf((const char *)text.data, "%255[!-~]%*1[ ]%64[!-~]", out->url, out->name) > 0
		       ? EMR_OK
		       : EMR_DAMAGED;
}

/* "URL,ROOTFILE[,NAME]". */
static emr_status read_where(const char *where, kept *out, emr_buf *out_roots)
{
	EMR_AUTO_FREE char *text = strdup(where);
	char *root = text != NULL ? strchr(text, ',') : NULL, *name = NULL;

	if (root != NULL) {
		*root++ = '\0';
		name = strchr(root, ',');
	}
	if (name != NULL)
		*name++ = '\0';
	if (root == NULL || !emr_http_url_ok(text) || strlen(text) >= sizeof out->url ||
		(name != NULL && (strlen(name) >= sizeof out->name || strchr(name, ' ') != NULL)) ||
		emr_file_read(AT_FDCWD, root, KEPT_MAX / 2, out_roots) != EMR_OK ||
		memmem(out_roots->data, out_roots->len, PEM, sizeof PEM - 1) == NULL)
		return EMR_INVALID;
	(void)snprintf(out->url, sizeof out->url, "%s", text);
	(void)snprintf(out->name, sizeof out->name, "%s", name != NULL ? name : "");
	return EMR_OK;
}

/* EMR_EXISTS: the ledger is kept in DIR, or no network is there yet. */
static emr_status find_host(const char *dir, emr_served_at *out)
{
	EMR_AUTO_FREE char *path = NULL;
	struct timespec seen = {.tv_sec = 0};

	if (asprintf(&path, "%s/ledger", dir) < 0) {
		path = NULL;
		return EMR_NO_MEMORY;
	}
	EMR_TRY(emr_served_is_at(path) ? EMR_OK : EMR_EXISTS);
	EMR_TRY(client_settings(path, &seen, out));
	return out->has_login ? EMR_OK : EMR_NOT_FOUND;
}

emr_status emr_authority_keep(const char *dir, const char *where)
{
	EMR_AUTO_FD fd = -1;
	EMR_AUTO_FREE char *path = NULL;
	EMR_AUTO_BUF roots = {0};
	EMR_AUTO_BUF text = {0};
	kept k = {.url = ""};
	char line[sizeof k.url + sizeof k.name + 2];
	emr_served_at at;

	if (find_host(dir, &at) != EMR_EXISTS)
		return EMR_INVALID;
	if (asprintf(&path, "%s/host", dir) < 0) {
		path = NULL;
		return EMR_NO_MEMORY;
	}
	if (where[0] != '\0')
		EMR_TRY(read_where(where, &k, &roots));
	EMR_TRY(emr_dir_open(path, &fd));
	if (where[0] == '\0')
		return unlinkat(fd, "login", 0) == 0 || errno == ENOENT
			       ? EMR_OK
			       : emr_status_from_errno(errno);
	(void)snprintf(line, sizeof line, "%s%s%s\n", k.url, k.name[0] != '\0' ? " " : "", k.name);
	EMR_TRY(emr_buf_append(&text, line, strlen(line)));
	EMR_TRY(emr_buf_append(&text, roots.data, roots.len));
	return emr_file_replace(fd, "login", emr_buf_view(&text), 0600);
}

emr_status emr_authority_at(const char *dir, char out_node[EMR_AUTHORITY_NODE_BYTES])
{
	emr_served_at at;
	kept k = {.url = ""};
	emr_status status = find_host(dir, &at);

	if (status == EMR_OK)
		(void)snprintf(out_node, EMR_AUTHORITY_NODE_BYTES, "%s",
			at.socket[0] != '\0' ? at.socket : at.url);
	if (status != EMR_EXISTS)
		return status;
	EMR_TRY(read_kept(dir, &k));
	memcpy(out_node, k.url, sizeof k.url);
	return EMR_OK;
}

emr_status emr_authority_name(const char *dir, char out_name[EMR_AUTHORITY_NAME_MAX + 1])
{
	const question q = {
		.path = "login", .timeout_ms = HOST_MS, .is_open = true, .is_beside = true};
	EMR_AUTO_BUF said = {0};
	kept k = {.url = ""};
	emr_served_at at;
	emr_status status = find_host(dir, &at);

	if (status == EMR_EXISTS)
		status = read_kept(dir, &k);
	else if (status == EMR_OK)
		status = client_ask_in(dir, NULL, &q, &said);
	EMR_TRY(status);
	if (said.len >= sizeof k.name)
		return EMR_DAMAGED;
	if (said.len > 0)
		memcpy(k.name, said.data, said.len);
	memcpy(out_name, k.name, sizeof k.name);
	return EMR_OK;
}

/* A header of HTTP with what proves who asks; NULL: no memory. */
static char *header_of(const char *name, const char *proof)
{
	char *line = NULL;

	return asprintf(&line, "%s: %s", name, proof) >= 0 ? line : NULL;
}

static void wipe_header(char **line)
{
	if (*line != NULL)
		emr_wipe(*line, strlen(*line));
	free(*line);
}
#define AUTO_HEADER __attribute__((cleanup(wipe_header))) char *

emr_status emr_authority_relay(const char *dir, const emr_authority_question *asked, emr_buf *out)
{
	kept k = {.url = ""};
	EMR_AUTO_HTTP http = NULL;
	AUTO_HEADER proof = header_of("Authorization", asked->proof);
	const char *const headers[] = {"Content-Type: application/json", proof, NULL};
	char path[32];
	emr_http_request request = {.method = "POST",
		.path = path,
		.body = asked->body,
		.headers = headers,
		.timeout_ms = RELAY_MS,
		.answer_max = EMR_AUTHORITY_ANSWER_MAX,
		.cancel_fds = {asked->stop_fd}};
	emr_http_answer answer;

	(void)snprintf(path, sizeof path, "/api/v1/%s", asked->call);
	EMR_TRY(proof != NULL ? read_kept(dir, &k) : EMR_NO_MEMORY);
	EMR_TRY(emr_http_open(&(emr_http_server){.url = k.url, .root_file = k.file}, &http));
	EMR_TRY(emr_buf_append(out, "\0", 2));
	if (emr_http_ask(http, &request, out, &answer) == EMR_OK) {
		emr_put_u16(out->data, (uint16_t)answer.status);
		return EMR_OK;
	}
	out->len = 2;
	return emr_buf_append(out, &(uint8_t){(uint8_t)answer.fault}, 1);
}

emr_status emr_authority_ask(const char *dir, const emr_keyring *keyring,
	const emr_authority_question *asked, emr_buf *out)
{
	AUTO_HEADER proof = header_of(WIRE_LOGIN_HEADER, asked->proof);
	char path[32];
	const question q = {.path = path,
		.is_post = true,
		.body = asked->body,
		.header = proof,
		.timeout_ms = HOST_MS,
		.is_open = keyring == NULL,
		.is_beside = true};
	emr_served_at at;
	emr_status status = find_host(dir, &at);

	if (status == EMR_EXISTS)
		return emr_authority_relay(dir, asked, out);
	(void)snprintf(path, sizeof path, "login/%s", asked->call);
	EMR_TRY(status == EMR_OK && proof == NULL ? EMR_NO_MEMORY : status);
	return client_ask_in(dir, keyring, &q, out);
}
