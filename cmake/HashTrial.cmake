# SPDX-License-Identifier: Apache-2.0
# cmake -DOUTPUT=FILE.c -DFOLDER=SOURCE-TREE -DSOURCES=host/a.c|host/b.h -P HashTrial.cmake
# Writes the hash of these files, their names and contents, as C: what a verdict rests on (host/trial/hash.h).
string(REPLACE "|" ";" sources "${SOURCES}")
set(all "")
foreach(source IN LISTS sources)
    file(SHA256 "${FOLDER}/${source}" hash)
    string(APPEND all "${source} ${hash}\n")
endforeach()
string(SHA256 hash "${all}")
string(SUBSTRING "${hash}" 0 32 hash)
file(WRITE "${OUTPUT}.tmp"
"/* Made by cmake/HashTrial.cmake. */
#include \"trial/hash.h\"

const char *clq_trial_hash(void)
{
    return \"${hash}\";
}
")
file(RENAME "${OUTPUT}.tmp" "${OUTPUT}")
