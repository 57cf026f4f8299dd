#!/bin/sh
# run.sh [default] [unchecked]: runs the benchmarks on this machine's GPU and writes results/, first with Dawn's default toggles, then without
# validation and robustness; or one of the two. SOFTWARE=1 takes SwiftShader instead of the GPU; QUICK=1 runs a small part.
here=$(cd "$(dirname "$0")" && pwd)
cd "$here" || exit 1

# libraries that the machine lacks; its own come first
mkdir -p lib/used
for file in lib/spare/*; do
  name=$(basename "$file")
  if ! ldconfig -p 2>/dev/null | grep -q "$name" && [ ! -e "/lib/x86_64-linux-gnu/$name" ] && [ ! -e "/usr/lib64/$name" ]; then
    ln -sf "../spare/$name" "lib/used/$name"
  fi
done
export LD_LIBRARY_PATH="$here/lib/used${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

finds() { # a driver file that gives Dawn an adapter
  VK_DRIVER_FILES=$1 ./node adapter.js
}

if [ "$SOFTWARE" = 1 ]; then
  VK_DRIVER_FILES="$here/lib/swiftshader/vk_swiftshader_icd.json"
else
  # the vendor's driver by its two entries: the second needs no X libraries
  for library in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
    printf '{"file_format_version":"1.0.0","ICD":{"library_path":"%s","api_version":"1.3.0"}}' "$library" >"lib/$library.json"
  done
  for driver in /etc/vulkan/icd.d/nvidia_icd.json /usr/share/vulkan/icd.d/nvidia_icd.json \
    /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json "$here/lib/libGLX_nvidia.so.0.json" "$here/lib/libEGL_nvidia.so.0.json"; do
    if [ -e "$driver" ] && finds "$driver"; then
      VK_DRIVER_FILES=$driver
      break
    fi
  done
fi
if [ -z "$VK_DRIVER_FILES" ]; then
  echo "no Vulkan driver of NVIDIA gives Dawn an adapter; SOFTWARE=1 takes SwiftShader" >&2
  exit 1
fi
export VK_DRIVER_FILES
mkdir -p results
{
  date -u
  uname -a
  grep -m 1 "model name" /proc/cpuinfo
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv 2>/dev/null
  echo "driver file: $VK_DRIVER_FILES"
} >results/machine.txt
failed=0
for toggles in ${*:-default unchecked}; do
  case $toggles in
  default) ./node main.js results/default ;;
  unchecked) ./node main.js results/unchecked enable-dawn-features=skip_validation,disable_robustness ;;
  *) echo "run.sh: no toggles $toggles; use default or unchecked" >&2 && false ;;
  esac || failed=1
done
exit $failed
