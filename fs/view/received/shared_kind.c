/* This file is the table by which nodes below `shared-with-me` are looked into, read and asked
 * about. */
#include "shared.h"
#include "shared_software.h"

static emr_id16 shared_domain(const node *n)
{
	return n->shared->domain;
}

static emr_id16 shared_object(const node *n)
{
	return n->shared->object;
}

static const node_policy shared_policy = {.above = shared_software_above,
	.said = shared_software_said,
	.say = shared_set_software,
	.note_refused = shared_note_refused,
	.folder = shared_path_of_share};

const node_kind shared_kind = {.is_shown = true,
	.is_received = true,
	.child = shared_child,
	.list = shared_list,
	.path = shared_path,
	.domain = shared_domain,
	.object = shared_object,
	.policy = &shared_policy,
	.release = shared_release_if_unused,
	.attribute = shared_attribute,
	.list_attributes = shared_list_attributes,
	.open = shared_open,
	.read = shared_read};
