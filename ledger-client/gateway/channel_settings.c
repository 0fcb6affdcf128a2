/* This file reads what a network's directory says about its gateways. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "gateway/channel.h"

#define CHANNEL_SETTINGS_MAX ((size_t)64 << 10) /* bytes of DIR/network */

#define CA_MAX ((size_t)32 << 10)

typedef struct reading {
	const char *dir;
	emr_channel *out;
	char *cause;
	size_t cause_size;
	bool is_fabric;
} reading;

void emr_channel_free(emr_channel *channel)
{
	free(channel->msp);
	free(channel->channel);
	free(channel->chaincode);
	free(channel->tls_certificate);
	free(channel->tls_key);
	free(channel->ca_address);
	free(channel->ca_root);
	free(channel->ca_name);
	for (size_t i = 0; i < channel->n_gateways; i++) {
		free(channel->addresses[i]);
		free(channel->roots[i]);
	}
	for (size_t i = 0; i < 2 * channel->n_organisations; i++)
		free(channel->authorities[i]);
	*channel = (emr_channel){0};
}

static emr_status wrong(const reading *r, emr_status status, const char *what, const char *detail)
{
	(void)snprintf(r->cause, r->cause_size, "%s: %s", what, detail);
	return status;
}

static char *path_in(const reading *r, const char *file)
{
	char *path = NULL;

	if (file[0] == '/')
		return strdup(file);
	return asprintf(&path, "%s/%s", r->dir, file) >= 0 ? path : NULL;
}

/* "FIRST SECOND": cut at the first space. */
static char *cut(char *value)
{
	char *second = strchr(value, ' ');

	if (second == NULL)
		return NULL;
	*second++ = '\0';
	return second + strspn(second, " ");
}

static emr_status keep_once(const reading *r, char **slot, const char *word, const char *value)
{
	if (*slot != NULL)
		return wrong(r, EMR_INVALID, word, "it stands there twice");
	*slot = strdup(value);
	return *slot != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status add_gateway(const reading *r, char *value)
{
	emr_channel *p = r->out;
	char *file = cut(value);
	size_t i = p->n_gateways;

	if (file == NULL || file[0] == '\0' || i == EMR_GATEWAY_ENDPOINTS_MAX)
		return wrong(r, EMR_INVALID, "gateway", "an address and a file, eight at most");
	p->addresses[i] = strdup(value);
	p->roots[i] = path_in(r, file);
	p->n_gateways++;
	if (p->addresses[i] == NULL || p->roots[i] == NULL)
		return EMR_NO_MEMORY;
	return access(p->roots[i], R_OK) == 0 ? EMR_OK
					      : wrong(r, EMR_INVALID, p->roots[i], strerror(errno));
}

static emr_status set_tls_client(const reading *r, char *value)
{
	emr_channel *p = r->out;
	char *key = cut(value);

	if (p->tls_certificate != NULL)
		return wrong(r, EMR_INVALID, "tls-client", "it stands there twice");
	if (key == NULL || key[0] == '\0')
		return wrong(
			r, EMR_INVALID, "tls-client", "the files of a certificate and its key");
	p->tls_certificate = path_in(r, value);
	p->tls_key = path_in(r, key);
	if (p->tls_certificate == NULL || p->tls_key == NULL)
		return EMR_NO_MEMORY;
	if (access(p->tls_certificate, R_OK) != 0)
		return wrong(r, EMR_INVALID, p->tls_certificate, strerror(errno));
	return access(p->tls_key, R_OK) == 0 ? EMR_OK
					     : wrong(r, EMR_INVALID, p->tls_key, strerror(errno));
}

static emr_status add_organisation(const reading *r, char *value)
{
	EMR_AUTO_FREE char *path = NULL;
	EMR_AUTO_BUF pem = {0};
	emr_channel *p = r->out;
	char *file = cut(value);
	size_t i = 2 * p->n_organisations;
	emr_status status;

	if (file == NULL || file[0] == '\0' || p->n_organisations == EMR_CHANNEL_ORGANISATIONS_MAX)
		return wrong(r, EMR_INVALID, "organisation", "an MSP id and a file, 32 at most");
	for (size_t before = 0; before < i; before += 2)
		if (strcmp(p->authorities[before], value) == 0)
			return wrong(r, EMR_INVALID, value, "it stands there twice");
	path = path_in(r, file);
	status = path != NULL ? emr_file_read(AT_FDCWD, path, CA_MAX, &pem) : EMR_NO_MEMORY;
	if (status != EMR_OK)
		return wrong(r, EMR_INVALID, file, emr_status_text(status));
	p->authorities[i] = strdup(value);
	p->authorities[i + 1] = strndup((const char *)pem.data, pem.len);
	p->n_organisations++;
	return p->authorities[i] != NULL && p->authorities[i + 1] != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status set_authority(const reading *r, char *value)
{
	emr_channel *p = r->out;
	char *file = cut(value), *name = file != NULL ? cut(file) : NULL;

	if (p->ca_address != NULL)
		return wrong(r, EMR_INVALID, "authority", "it stands there twice");
	if (file == NULL || file[0] == '\0')
		return wrong(r, EMR_INVALID, "authority", "an address, a file, and perhaps a name");
	p->ca_address = strdup(value);
	p->ca_root = path_in(r, file);
	p->ca_name = name != NULL && name[0] != '\0' ? strdup(name) : NULL;
	if (p->ca_address == NULL || p->ca_root == NULL ||
		(name != NULL && name[0] != '\0' && p->ca_name == NULL))
		return EMR_NO_MEMORY;
	return access(p->ca_root, R_OK) == 0 ? EMR_OK
					     : wrong(r, EMR_INVALID, p->ca_root, strerror(errno));
}

static emr_status set_genesis(const reading *r, const char *value)
{
	if (r->out->has_genesis)
		return wrong(r, EMR_INVALID, "genesis", "it stands there twice");
	r->out->has_genesis = true;
	return emr_unhex(value, r->out->genesis, sizeof r->out->genesis) == EMR_OK
		       ? EMR_OK
		       : wrong(r, EMR_INVALID, "genesis", "64 digits of a hash in hexadecimal");
}

static emr_status take(reading *r, const char *word, char *value)
{
	if (strcmp(word, "kind") == 0) {
		r->is_fabric = strcmp(value, "fabric") == 0;
		return r->is_fabric ? EMR_OK : wrong(r, EMR_NEWER_FORMAT, "kind", value);
	}
	if (strcmp(word, "msp") == 0)
		return keep_once(r, &r->out->msp, word, value);
	if (strcmp(word, "channel") == 0)
		return keep_once(r, &r->out->channel, word, value);
	if (strcmp(word, "chaincode") == 0)
		return keep_once(r, &r->out->chaincode, word, value);
	if (strcmp(word, "gateway") == 0)
		return add_gateway(r, value);
	if (strcmp(word, "tls-client") == 0)
		return set_tls_client(r, value);
	if (strcmp(word, "organisation") == 0)
		return add_organisation(r, value);
	if (strcmp(word, "authority") == 0)
		return set_authority(r, value);
	if (strcmp(word, "genesis") == 0)
		return set_genesis(r, value);
	return wrong(r, EMR_INVALID, word, "no such word");
}

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t");
	end = text + strlen(text);
	while (end > text && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		*--end = '\0';
	return text;
}

static emr_status take_line(reading *r, char *line)
{
	char *equals, *word = trim(line);

	if (word[0] == '\0' || word[0] == '#')
		return EMR_OK;
	equals = strchr(word, '=');
	if (equals == NULL)
		return wrong(r, EMR_INVALID, word, "no \"=\" in this line");
	*equals = '\0';
	return take(r, trim(word), trim(equals + 1));
}

static emr_status check_whole(const reading *r)
{
	const emr_channel *p = r->out;

	if (!r->is_fabric)
		return wrong(r, EMR_INVALID, "kind", "it is missing");
	if (p->msp == NULL || p->channel == NULL || p->chaincode == NULL)
		return wrong(r, EMR_INVALID, "msp, channel, chaincode", "one is missing");
	if (p->n_gateways == 0)
		return wrong(r, EMR_INVALID, "gateway", "there is none");
	return p->n_organisations > 0
		       ? EMR_OK
		       : wrong(r, EMR_INVALID, "organisation", "there is none that endorses");
}

emr_status emr_channel_read(const char *dir, emr_channel *out, char *cause, size_t cause_size)
{
	EMR_AUTO_FREE char *path = NULL;
	EMR_AUTO_FREE char *text = NULL;
	EMR_AUTO_BUF bytes = {0};
	reading r = {.dir = dir, .out = out, .cause = cause, .cause_size = cause_size};
	char *line, *rest;
	emr_status status;

	*out = (emr_channel){0};
	cause[0] = '\0';
	if (asprintf(&path, "%s/" EMR_CHANNEL_SETTINGS, dir) < 0) {
		path = NULL;
		return EMR_NO_MEMORY;
	}
	status = emr_file_read(AT_FDCWD, path, CHANNEL_SETTINGS_MAX, &bytes);
	if (status != EMR_OK)
		return status;
	if (bytes.len > 0 && memchr(bytes.data, '\0', bytes.len) != NULL)
		return wrong(&r, EMR_INVALID, EMR_CHANNEL_SETTINGS, "it is no text");
	text = strndup((const char *)bytes.data, bytes.len);
	rest = text;
	if (text == NULL)
		return EMR_NO_MEMORY;
	while (status == EMR_OK && (line = strsep(&rest, "\n")) != NULL)
		status = take_line(&r, line);
	if (status == EMR_OK)
		status = check_whole(&r);
	if (status != EMR_OK)
		emr_channel_free(out);
	return status;
}

emr_status emr_channel_msp(const char *dir, char **out_msp, char *cause, size_t cause_size)
{
	EMR_AUTO_CHANNEL channel = {0};

	EMR_TRY(emr_channel_read(dir, &channel, cause, cause_size));
	*out_msp = channel.msp;
	channel.msp = NULL;
	return EMR_OK;
}
