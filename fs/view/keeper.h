/* The folder's two threads: one publishes what is quiet, one syncs what was closed and gives space back. */
#pragma once

#include "edit.h"

void keeper_stop(emr_view *view);	/* joins; fine when there are none */
/* Hands the bytes of every file to the operating system. */
emr_status keeper_hand_out(emr_view *view);
