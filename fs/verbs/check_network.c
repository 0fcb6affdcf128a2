/* This file is `emrfs check --network`: it asks the IPFS nodes of the settings what they are, and
 * names the organisations that have no agent. How a node is set up it does not judge. */
#include "verbs_private.h"

#include <string.h>

#include "contract/codes.h"
#include "ipfs/cluster.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/text.h"
#include "mount/client.h"
#include "session/fetching.h"
#include "session/heard.h"
#include "session/network_dir.h"
#include "session/registered.h"

#define NODE_TIMEOUT_MS 20000

static void check_fault(emr_checker *c, const char *node, emr_ipfs_fault fault, const char *said)
{
	emr_problem problem = {0};

	emr_node_say(node, fault, said, &problem);
	emr_check_note(c, "node", false, problem.hint, "%s", problem.text);
}

/* Whether its peers pin anything is said by what they pin. */
static void check_cluster(emr_checker *c, const emr_ipfs *node)
{
	emr_ipfs *cluster = emr_ipfs_cluster(node);
	emr_ipfs_call call = emr_ipfs_call_of(NODE_TIMEOUT_MS, -1);
	char version[EMR_IPFS_VERSION_BYTES];

	if (cluster == NULL)
		return;
	if (emr_ipfs_version(cluster, &call, version) != EMR_OK)
		check_fault(c, emr_ipfs_address(cluster), call.fault, call.said);
	else
		emr_check_note(c, "cluster", true, "", _("%s runs IPFS Cluster %s"),
			emr_ipfs_address(cluster), version);
}

/* A finding about one node names its address where there are several. */
static void check_node(emr_checker *c, const emr_node_setting *setting)
{
	emr_ipfs_call call = emr_ipfs_call_of(NODE_TIMEOUT_MS, -1);
	char version[EMR_IPFS_VERSION_BYTES];
	emr_problem problem = {0};
	EMR_AUTO_IPFS node = NULL;
	bool is_token = false;

	if (emr_node_open(setting, NULL, &node, &is_token, &problem) != EMR_OK) {
		emr_check_note(c, is_token ? "node-token" : "node", false,
			is_token ? _("make that file, chmod 600, with the token on one line")
				 : problem.hint,
			"%s", problem.text);
		return;
	}
	if (emr_ipfs_version(node, &call, version) != EMR_OK) {
		check_fault(c, setting->address, call.fault, call.said);
		return;
	}
	if (setting->is_gateway) {
		emr_check_note(c, "gateway", true, "", _("%s answers"), setting->address);
		return;
	}
	emr_check_note(c, "node", true, "", _("%s runs Kubo %s"), setting->address, version);
	check_cluster(c, node);
}

/* ---- organisations without an agent ---- */

typedef struct manning {
	emr_checker *c;
	emr_replica *replica;
	emr_buf descriptor; /* of the network */
	uint64_t now;
	bool is_any_without;
} manning;

static void manning_end(manning *m)
{
	emr_replica_close(m->replica);
	emr_buf_free(&m->descriptor);
}

static emr_status has_agent(const manning *m, emr_id16 org, bool *out_has)
{
	EMR_ASK(asked, m->replica, PEOPLE);
	emr_known_person person;

	*out_has = false;
	while (!*out_has && emr_next(&asked, &person))
		if ((person.row.roles & EMR_ROLE_AGENT) != 0 &&
			emr_id16_equal(EMR_ID16_AT(person.row.org), org))
			EMR_TRY(emr_replica_person_is_active(m->replica, &person, m->now, out_has));
	return asked.status;
}

static void warn_silent(manning *m, const char *name, uint64_t since_unix_s)
{
	emr_problem problem = {0};
	char since[EMR_TEXT_BYTES];

	emr_time_text((int64_t)since_unix_s, since);
	emr_problem_set(&problem, EMR_SAY_AGENT_SILENT, "name", name, "time", since, NULL);
	emr_check_warn(m->c, "agent", problem.hint, "%s", problem.text);
	m->is_any_without = true;
}

/* A host tells members only, so a folder that is open is asked there. */
static void note_silent(manning *m, emr_ledger *ledger)
{
	const emr_request request = {.ask = EMR_ASK_STATUS};
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;
	emr_problem ignored = {0};
	json_auto_t *report = NULL;
	const json_t *list;
	char name[EMR_ORGANISATION_NAME_MAX + 1];
	emr_heard heard = {.n = 0};

	(void)emr_heard_look(ledger, m->replica, m->now, &heard);
	for (size_t i = 0; i < heard.n; i++)
		if (heard.list[i].is_silent &&
			emr_organisation_name(m->replica, emr_buf_view(&m->descriptor),
				heard.list[i].org, name) == EMR_OK)
			warn_silent(m, name, heard.list[i].unix_s);
	if (heard.n > 0 || emr_client_open(m->c->places, &client, &ignored) != EMR_OK ||
		emr_client_ask(&client, &request, EMR_CLIENT_REPORT_MS, &report, &ignored) !=
			EMR_OK)
		return;
	list = json_object_get(report, "agents_silent");
	for (size_t i = 0; i < json_array_size(list); i++)
		warn_silent(m, emr_json_text_at(json_array_get(list, i), "name"),
			emr_json_number_at(json_array_get(list, i), "since_unix"));
}

static emr_status warn_of_organisations(manning *m)
{
	EMR_ASK(asked, m->replica, ORGS);
	char name[EMR_ORGANISATION_NAME_MAX + 1], shown[300];
	emr_known_org org;
	bool has = false;

	while (emr_next(&asked, &org)) {
		if (org.row.head.state != EMR_ORG_MEMBER)
			continue;
		EMR_TRY(has_agent(m, org.org, &has));
		if (has)
			continue;
		EMR_TRY(emr_organisation_name(
			m->replica, emr_buf_view(&m->descriptor), org.org.b, name));
		emr_show(name, shown, sizeof shown);
		m->is_any_without = true;
		emr_check_warn(m->c, "agent",
			_("its administrator: emrfs invite keys --role agent -o FILE, then "
			  "emrfs --as agent init --join FILE, then emrfs --as agent agent"),
			_("%s has no agent: what is shared may open only while the owner's folder "
			  "is open"),
			shown);
	}
	return asked.status;
}

void emr_check_agents(emr_checker *c)
{
	EMR_AUTO_LEDGER ledger = NULL; /* outlives the copy */
	__attribute__((cleanup(manning_end)))
	manning m = {.c = c, .now = emr_clock_unix_s(emr_clock_system())};
	EMR_AUTO_FREE char *dir = NULL;
	emr_replica_options options = {.state_dirfd = c->state_fd};
	emr_status status =
		c->state_fd >= 0 ? emr_network_dir_of(c->state_fd, &dir) : EMR_NOT_FOUND;

	if (status != EMR_OK)
		return; /* a ledger of one's own */
	status = emr_check_open_ledger(c->places, &ledger);
	options.ledger = ledger;
	if (status == EMR_OK)
		status = emr_replica_open(&options, &m.replica);
	if (status == EMR_OK)
		status = emr_replica_descriptor(c->state_fd, &m.descriptor);
	if (status == EMR_OK)
		status = warn_of_organisations(&m);
	if (status == EMR_OK)
		note_silent(&m, ledger);
	if (status != EMR_OK)
		emr_check_note(c, "agent", false, "", _("the copy of the ledger: %s"),
			emr_text(emr_status_text(status)));
	else if (!m.is_any_without)
		emr_check_note(c, "agent", true, "", _("each organisation has one"));
}

void emr_check_node(emr_checker *c)
{
	EMR_AUTO_SETTINGS settings = {0};
	EMR_AUTO_FREE char *dir = NULL;
	emr_problem problem = {0};

	if (emr_settings_read(c->places, &settings, &problem) != EMR_OK)
		return; /* said by check.c */
	for (size_t i = 0; i < settings.node_count; i++)
		check_node(c, &settings.nodes[i]);
	/* A member at a host has the copies there. */
	if (settings.node_count > 0 ||
		(c->state_fd >= 0 && emr_network_dir_of(c->state_fd, &dir) == EMR_OK &&
			emr_network_dir_is_served(dir)))
		return;
	emr_problem_set(&problem, EMR_SAY_NODE_UNSET, NULL);
	emr_check_note(c, "node", false, problem.hint, "%s", problem.text);
}
