/* This header declares the looks of the office's thread, one function each; office.c has the table.
 * They refuse to wait: work that cannot be done now is done at the next visit. */
#pragma once

#include "replica/ask.h"
#include "sharing/office.h"

/* Whether CHANGE, an item of an entry, is one that a look is about. */
typedef bool emr_is_of(const emr_replica_change *change);
/* IS_OF finds something in the entries that are new to this look, or the folder has just been
 * opened. */
emr_status emr_visit_sees(const emr_visit *visit, emr_is_of *is_of, bool *out_sees);
/* The same, and this computer may do something about it: it does not only read, and is none of the
 * person's devices. */
emr_status emr_visit_is_due(const emr_visit *visit, emr_is_of *is_of, bool *out_is);
/* The grants that the owner was told of since the folder was opened: the memory of a look that
 * tells of each once.  NULL: no memory is left. */
emr_buf *emr_visit_told(emr_visit *visit); /* emr_id16, ... */
bool emr_told_has(const emr_buf *told, emr_id16 grant);
void emr_told_end(void *memory);

/* Answers the questions of those to whom something of one's own is shared. */
emr_status emr_look_release(emr_visit *visit);
void emr_look_release_end(void *memory);
/* New epochs for own domains where somebody's time has ended: when the folder is opened, and once a
 * day. */
emr_status emr_look_epochs(emr_visit *visit);
/* Tells what requests came and what became of one's own, and has the open ones as files
 * (requests_look.c). */
emr_status emr_look_requests(emr_visit *visit);
void emr_look_requests_end(void *memory);
/* Teams: who has something of mine through a team that got another key has it through that one
 * (team_look.c). On an administrator's computer also what the administrator's teams need
 * (team_care.h). */
emr_status emr_look_teams(emr_visit *visit);
/* On an administrator's computer: who came by an invitation that waits at the network's host
 * (invitations_look.c). */
emr_status emr_look_invitations(emr_visit *visit);
/* Once for each request, that somebody asks this person's trustees (recovery_look.c). */
emr_status emr_look_recovery(emr_visit *visit);
/* Tells once what two clinicians say of an emergency, and ends it when the day is over
 * (emergency.c). */
emr_status emr_look_emergency(emr_visit *visit);
/* Once, that one's own key has ended: nothing else says why the ledger takes nothing any more. */
emr_status emr_look_own_key(emr_visit *visit);
/* Shares too few of whose agents are left: through others, or a notice (agents_look.c). */
emr_status emr_look_agents(emr_visit *visit);
/* When the agents spoke last, every ten minutes (agents_look.c). */
emr_status emr_look_heard(emr_visit *visit);
/* Shares of what was deleted: a notice each, once while the folder is open (deleted_look.c). */
emr_status emr_look_deleted(emr_visit *visit);
/* Tells who was admitted to the datasets that this folder takes part in: each once, also over many
 * mounts (readers_look.c). */
emr_status emr_look_readers(emr_visit *visit);
void emr_look_readers_end(void *memory);
/* Tells what others newly share with this person and left in the Inbox: each once, also over many
 * mounts, and what comes together in one notice (news_look.c). */
emr_status emr_look_news(emr_visit *visit);
void emr_look_news_end(void *memory);
/* Own computers: letters to those that lack one; on a device, what letters have come, and that what
 * others share is not here. */
emr_status emr_look_devices(emr_visit *visit);
