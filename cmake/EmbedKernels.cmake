# SPDX-License-Identifier: Apache-2.0
# cmake -DOUTPUT=FILE.c -DFOLDER=KERNELS -DSOURCES=a.cl|b.clh -P EmbedKernels.cmake
# Writes the kernels as byte arrays: a string literal above 4095 characters is beyond what C11 promises, and bytes need no
# escaping. host/opencl/runtime/source.c looks files up by name: the path in FOLDER, of others their own.
string(REPLACE "|" ";" sources "${SOURCES}")
set(arrays "")
set(rows "")
set(number 0)
foreach(source IN LISTS sources)
    file(RELATIVE_PATH name "${FOLDER}" "${source}")
    if(name MATCHES "^\\.\\./")
        get_filename_component(name "${source}" NAME)
    endif()
    file(READ "${source}" hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
    string(APPEND arrays "static const unsigned char source_${number}[] = {\n${bytes}};\n")
    string(APPEND rows "    {\"${name}\", source_${number}, sizeof source_${number}},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUTPUT}.tmp"
"/* Made from kernels/ by cmake/EmbedKernels.cmake. */
#include \"opencl/runtime/source.h\"

${arrays}
const clq_embedded_source clq_embedded_sources[] = {
${rows}    {NULL, NULL, 0},
};
")
file(RENAME "${OUTPUT}.tmp" "${OUTPUT}")
