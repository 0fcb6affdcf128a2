/* This file reads the settings file, lines of `name = value`, and refuses names that it does not
 * know and values that are out of range. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "kit/language.h"
#include "kit/places.h"
#include "kit/purposes.h"
#include "kit/text.h"

#define SETTINGS_NAME "settings"
#define SETTINGS_MAX 65536
#define SETTING_CHARS 1024
#define CACHE_BYTES ((uint64_t)1 << 30)
#define CACHE_DAYS 30
#define CACHE_DAYS_MAX 36500
#define CLUSTER_COPIES 2
#define CLUSTER_COPIES_MAX 15

void emr_settings_free(emr_settings *settings)
{
	free(settings->notify);
	for (size_t i = 0; i < settings->node_count; i++) {
		free(settings->nodes[i].address);
		free(settings->nodes[i].token);
		free(settings->nodes[i].ca);
		free(settings->nodes[i].host_dir);
		free(settings->nodes[i].pin);
		free(settings->nodes[i].cluster);
		free(settings->nodes[i].cluster_token);
		free(settings->nodes[i].cluster_ca);
	}
	*settings = (emr_settings){0};
}

/* Each returns NULL, or what is wrong with VALUE. */
typedef const char *(*setting_fn)(const char *value, emr_settings *settings);

static const char *set_kdf(const char *value, emr_settings *settings)
{
	unsigned mib, passes;
	char rest;

	if (sscanf(value, "%5u,%3u%c", &mib, &passes, &rest) != 2)
		return N_("kdf is MEMORY_MIB,PASSES, for example 256,3");
	if (mib < 8 || mib > 1024 || passes < 1 || passes > 16)
		return N_("kdf takes 8 to 1024 MiB and 1 to 16 passes");
	settings->kdf = (emr_kdf_cost){.passes = passes, .memory_bytes = (uint64_t)mib << 20};
	return NULL;
}

static const char *set_idle(const char *value, emr_settings *settings)
{
	if (strcmp(value, "never") == 0) {
		settings->idle_ns = 0;
		return NULL;
	}
	return emr_duration_parse(value, &settings->idle_ns) == EMR_OK
		       ? NULL
		       : N_("idle is a time such as 30min or 2h, or never");
}

/* Of one node the last line counts, as for every setting. */
static const char *set_text(char **text, const char *value)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return N_("not enough memory");
	free(*text);
	*text = copy;
	return NULL;
}

static const char *set_notify(const char *value, emr_settings *settings)
{
	settings->no_notify = strcmp(value, "none") == 0;
	if (settings->no_notify) {
		free(settings->notify);
		settings->notify = NULL;
		return NULL;
	}
	if (value[0] != '/')
		return N_("notify is the absolute path of a program, or none");
	return set_text(&settings->notify, value);
}

static const char *add_place(const char *value, bool is_gateway, emr_settings *settings)
{
	const char *cause;

	for (size_t i = 0; i < settings->node_count; i++) {
		if (strcmp(settings->nodes[i].address, value) == 0)
			return N_("this node is there already");
	}
	if (settings->node_count == EMR_NODES_MAX)
		return N_("there may be 16 nodes and gateways");
	settings->nodes[settings->node_count].is_gateway = is_gateway;
	cause = set_text(&settings->nodes[settings->node_count].address, value);
	settings->node_count += cause == NULL;
	return cause;
}

/* Each line is one more node. */
static const char *set_node(const char *value, emr_settings *settings)
{
	if (value[0] == '\0')
		return N_("node is an address such as unix:/PATH/api.sock or https://HOST");
	return add_place(value, false, settings);
}

static const char *set_gateway(const char *value, emr_settings *settings)
{
	if (value[0] == '\0')
		return N_("gateway is an address such as https://HOST or http://127.0.0.1:8080");
	return add_place(value, true, settings);
}

/* The absolute path of a file into *TEXT, of the node above; NULL: there is none. */
static const char *set_file(
	const char *value, char **text, const char *stands_alone, const char *is_no_path)
{
	if (text == NULL)
		return stands_alone;
	return value[0] == '/' ? set_text(text, value) : is_no_path;
}

static const char *set_node_token(const char *value, emr_settings *settings)
{
	const size_t n = settings->node_count;

	return set_file(value, n > 0 ? &settings->nodes[n - 1].token : NULL,
		N_("node-token stands below the node that it is for"),
		N_("node-token is the absolute path of a file"));
}

static const char *set_node_ca(const char *value, emr_settings *settings)
{
	const size_t n = settings->node_count;

	return set_file(value, n > 0 ? &settings->nodes[n - 1].ca : NULL,
		N_("node-ca stands below the node that it is for"),
		N_("node-ca is the absolute path of a file"));
}

/* The node that lines about a cluster are for; NULL: there is none. */
static emr_node_setting *node_above(emr_settings *settings, bool has_cluster)
{
	emr_node_setting *node =
		settings->node_count > 0 ? &settings->nodes[settings->node_count - 1] : NULL;

	return node != NULL && !node->is_gateway && (!has_cluster || node->cluster != NULL) ? node
											    : NULL;
}

static const char *set_cluster(const char *value, emr_settings *settings)
{
	emr_node_setting *node = node_above(settings, false);

	if (node == NULL)
		return N_("cluster stands below the node that belongs to it");
	if (value[0] == '\0')
		return N_("cluster is an address such as http://127.0.0.1:9094 or https://HOST");
	if (node->cluster_copies == 0)
		node->cluster_copies = CLUSTER_COPIES;
	return set_text(&node->cluster, value);
}

static const char *set_cluster_token(const char *value, emr_settings *settings)
{
	emr_node_setting *node = node_above(settings, true);

	return set_file(value, node != NULL ? &node->cluster_token : NULL,
		N_("cluster-token stands below the cluster that it is for"),
		N_("cluster-token is the absolute path of a file"));
}

static const char *set_cluster_ca(const char *value, emr_settings *settings)
{
	emr_node_setting *node = node_above(settings, true);

	return set_file(value, node != NULL ? &node->cluster_ca : NULL,
		N_("cluster-ca stands below the cluster that it is for"),
		N_("cluster-ca is the absolute path of a file"));
}

static const char *set_cluster_copies(const char *value, emr_settings *settings)
{
	emr_node_setting *node = node_above(settings, true);
	unsigned n;
	char rest;

	if (node == NULL)
		return N_("cluster-copies stands below the cluster that it is for");
	if (sscanf(value, "%3u%c", &n, &rest) != 1 || n < 1 || n > CLUSTER_COPIES_MAX)
		return N_("cluster-copies is a number of copies from 1 to 15");
	node->cluster_copies = n;
	return NULL;
}

static const char *set_cache_bytes(const char *value, emr_settings *settings)
{
	static const char units[] = "KMGT";
	unsigned long long n;
	char unit = '\0', rest;
	int found = sscanf(value, "%9llu%c%c", &n, &unit, &rest);
	const char *at = found == 2 ? strchr(units, unit) : NULL;

	if (value[0] < '0' || value[0] > '9' || found < 1 || found > 2 ||
		(found == 2 && (at == NULL || unit == '\0')))
		return N_("cache-bytes is a number with K, M, G or T, for example 2G");
	settings->cache_bytes = (uint64_t)n << (found == 2 ? 10 * (at - units + 1) : 0);
	return NULL;
}

static const char *set_cache_days(const char *value, emr_settings *settings)
{
	unsigned days;
	char rest;

	if (sscanf(value, "%6u%c", &days, &rest) != 1 || days < 1 || days > CACHE_DAYS_MAX)
		return N_("cache-days is a number of days, for example 30");
	settings->cache_days = days;
	return NULL;
}

static const char *set_copies_first(const char *value, emr_settings *settings)
{
	unsigned n;
	char rest;

	if (sscanf(value, "%3u%c", &n, &rest) != 1 || n < 1 || n > EMR_NODES_MAX + 1)
		return N_("copies-before-register is a number of copies from 1 to 17");
	settings->copies_first = n;
	return NULL;
}

static const char *set_away(const char *value, emr_settings *settings)
{
	settings->is_away_said = true;
	return emr_away_parse(value, &settings->away) ? NULL : N_("away is others, own or nobody");
}

static const char *set_tell_patients(const char *value, emr_settings *settings)
{
	settings->tells_patients = strcmp(value, "yes") == 0;
	return settings->tells_patients || strcmp(value, "no") == 0
		       ? NULL
		       : N_("tell-patients is yes or no");
}

static const struct {
	emr_setting_row row;
	setting_fn set;
} known[] = {
	{{"kdf", "MEMORY_MIB,PASSES",
		 "what a guess of the passphrase costs (256,3); of a keyring that is there it "
		 "makes "
		 "it more, never less"},
		set_kdf},
	{{"idle", "TIME", "close the folder when unused for TIME, as `mount --idle`; or never"},
		set_idle},
	{{"notify", "PROGRAM",
		 "gets each notice as one JSON object on its standard input, instead of the "
		 "desktop; or none"},
		set_notify},
	{{"node", "ADDRESS",
		 "an IPFS node that keeps a copy of every record and is asked for blocks that are "
		 "not on this computer: unix:/PATH/api.sock, http://127.0.0.1:PORT or "
		 "https://HOST; each line is one more"},
		set_node},
	{{"gateway", "ADDRESS",
		 "a trustless IPFS gateway that is asked for blocks when no node has them, and "
		 "given nothing: https://HOST, http://127.0.0.1:PORT or unix:/PATH/gateway.sock; "
		 "whoever runs it sees which blocks are asked for"},
		set_gateway},
	{{"node-token", "FILE",
		 "of the node or gateway above: has the token that it wants, on one line; nobody "
		 "else may "
		 "read it"},
		set_node_token},
	{{"node-ca", "FILE",
		 "of the node or gateway above: the authority that vouches for its certificate, as "
		 "PEM "
		 "(those of this computer)"},
		set_node_ca},
	{{"cluster", "ADDRESS",
		 "of the node above: the REST API of its IPFS Cluster, which is asked to pin each "
		 "record; its peers that have it are the copies: http://127.0.0.1:9094, "
		 "https://HOST or unix:/PATH"},
		set_cluster},
	{{"cluster-copies", "N",
		 "of the cluster above: how many of its peers are to pin each record (2; lowered, "
		 "it frees nothing)"},
		set_cluster_copies},
	{{"cluster-token", "FILE",
		 "of the cluster above: has the token or USER:PASSWORD that it wants, on one line; "
		 "nobody else may read it"},
		set_cluster_token},
	{{"cluster-ca", "FILE",
		 "of the cluster above: the authority that vouches for its certificate, as PEM "
		 "(those of this computer)"},
		set_cluster_ca},
	{{"copies-before-register", "N",
		 "what is saved goes to the ledger when so many places have all of it, this "
		 "computer being one (1, or what the network's rules say if that is more); 2 waits "
		 "for one node"},
		set_copies_first},
	{{"cache-bytes", "SIZE",
		 "how much of what was brought from nodes is kept, encrypted as it is, such as "
		 "500M "
		 "(1G); 0 keeps nothing on the disk"},
		set_cache_bytes},
	{{"cache-days", "N", "how many days it is kept when nobody reads it (30)"}, set_cache_days},
	{{"away", "RULE",
		 "who releases the keys of what you share while your folder is closed: agents of "
		 "others, own (that of your own organisation, too, where there are no two others) "
		 "or "
		 "nobody (others); emrfs share --away RULE writes it"},
		set_away},
	{{"tell-patients", "ANSWER",
		 "yes or no: whether all who may list a folder read the patient's name and ids of "
		 "the DICOM files in it, also of those that they never open (no)"},
		set_tell_patients},
};

#define KNOWN (sizeof known / sizeof *known)

const emr_setting_row *emr_setting_get(size_t index)
{
	return index < KNOWN ? &known[index].row : NULL;
}

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t\r");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL)
		text[--len] = '\0';
	return text;
}

static const char *take_line(char *line, emr_settings *settings)
{
	char *name = trim(line), *equals, *value;

	if (name[0] == '\0' || name[0] == '#')
		return NULL;
	equals = strchr(name, '=');
	if (equals == NULL)
		return N_("a line is `name = value`");
	*equals = '\0';
	value = trim(equals + 1);
	name = trim(name);
	for (size_t i = 0; i < KNOWN; i++) {
		if (strcmp(name, known[i].row.name) == 0)
			return known[i].set(value, settings);
	}
	return N_("there is no such setting; man emrfs-settings lists them");
}

emr_status emr_settings_parse(
	const char *file, emr_bytes text, emr_settings *out_settings, emr_problem *out_problem)
{
	EMR_AUTO_SETTINGS settings = {.kdf = EMR_KDF_COST_DEFAULT,
		.cache_bytes = CACHE_BYTES,
		.cache_days = CACHE_DAYS,
		.copies_first = 1};
	unsigned line_number = 1;

	for (size_t at = 0; at < text.len; line_number++) {
		const uint8_t *start = text.data + at;
		const uint8_t *end = memchr(start, '\n', text.len - at);
		size_t len = end != NULL ? (size_t)(end - start) : text.len - at;
		char line[SETTING_CHARS], number[16];
		const char *cause;

		at += len + 1;
		if (len >= sizeof line || memchr(start, '\0', len) != NULL) {
			cause = N_("the line is too long or no text");
		} else {
			memcpy(line, start, len);
			line[len] = '\0';
			cause = take_line(line, &settings);
		}
		if (cause == NULL)
			continue;
		snprintf(number, sizeof number, "%u", line_number);
		return EMR_PROBLEM(EMR_INVALID, out_problem, EMR_SAY_SETTING, "file", file, "line",
			number, "cause", emr_text(cause), NULL);
	}
	*out_settings = settings;
	settings = (emr_settings){0};
	return EMR_OK;
}

/* They name programs that are started, and nodes that are given every record: nobody but this user
 * and root writes them, nor puts another file in their place.  A directory on the way may be a link
 * of hers. */
static emr_status read_own(const emr_places *places, emr_buf *out, emr_buf *out_where)
{
	EMR_AUTO_FD fd = -1;

	EMR_TRY(emr_dir_open_own(places->config, out_where, &fd));
	return emr_file_read_own(fd, SETTINGS_NAME, SETTINGS_MAX, out);
}

emr_status emr_settings_read(
	const emr_places *places, emr_settings *out_settings, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *file = NULL;
	EMR_AUTO_BUF text = {0};
	EMR_AUTO_BUF where = {0};
	emr_status status;

	if (asprintf(&file, "%s/" SETTINGS_NAME, places->config) < 0) {
		file = NULL;
		return EMR_PROBLEM_STATUS(out_problem, EMR_NO_MEMORY, _("settings"));
	}
	status = read_own(places, &text, &where);
	if (status == EMR_EXPOSED)
		emr_problem_set(out_problem, EMR_SAY_SETTINGS_EXPOSED, "file",
			where.len > 0 ? (const char *)where.data : file, NULL);
	else if (status != EMR_OK && status != EMR_NOT_FOUND)
		emr_problem_set_status(out_problem, status, file);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	return emr_settings_parse(file, emr_buf_view(&text), out_settings, out_problem);
}

emr_status emr_settings_write(
	const emr_places *places, const char *name, const char *value, emr_problem *out_problem)
{
	EMR_AUTO_SETTINGS settings = {0};
	EMR_AUTO_BUF text = {0};
	EMR_AUTO_BUF where = {0};
	EMR_AUTO_FD fd = -1;
	char line[SETTING_CHARS];
	size_t len = (size_t)snprintf(line, sizeof line, "\n%s = %s\n", name, value);
	emr_status status;

	EMR_TRY(emr_settings_read(places, &settings, out_problem));
	status = emr_dir_open(places->config, &fd);
	if (status == EMR_OK)
		status = read_own(places, &text, &where);
	if (status == EMR_OK && text.len >= len &&
		memcmp(text.data + text.len - len, line, len) == 0)
		return EMR_OK;
	if (status == EMR_OK || status == EMR_NOT_FOUND)
		status = emr_buf_append(&text, line, len);
	if (status == EMR_OK && text.len > SETTINGS_MAX)
		status = EMR_LIMIT;
	if (status == EMR_OK)
		status = emr_file_replace(fd, SETTINGS_NAME, emr_buf_view(&text), 0600);
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, _("settings"));
	return status;
}
