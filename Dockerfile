# docker build -t marlin-edit .                          the CPU build of torch
# docker build --target cuda -t marlin-edit:cuda .       the CUDA build; untried
# docker run --rm -v "$PWD:/work" -v marlin-edit:/data marlin-edit find film.mp4 -q "a door opens"

FROM python:3.11-slim AS base
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 XDG_DATA_HOME=/data XDG_CONFIG_HOME=/data HF_HOME=/data/huggingface
COPY constraints.txt /src/
WORKDIR /src

FROM base AS cuda
RUN pip install -c constraints.txt torch
COPY . .
RUN pip install -c constraints.txt . && mkdir -p /data /work && chmod 777 /data
VOLUME /data
WORKDIR /work
ENTRYPOINT ["marlin-edit"]

FROM base AS cpu
RUN pip install -c constraints.txt --no-deps --extra-index-url https://download.pytorch.org/whl/cpu torch
COPY . .
RUN pip install -c constraints.txt . && mkdir -p /data /work && chmod 777 /data
VOLUME /data
WORKDIR /work
ENTRYPOINT ["marlin-edit"]
