{{- define "mcpw.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "mcpw.selector" -}}
app.kubernetes.io/name: mcpw
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end }}

{{- define "mcpw.labels" -}}
app.kubernetes.io/name: mcpw
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: mcpw
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "mcpw.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "mcpw.name" .) }}
{{- end }}

{{- /* The whole way out: preStop, drain.delay_ms, drain.timeout_ms, and something to be on the safe side. */ -}}
{{- define "mcpw.gracePeriod" -}}
{{- $drain := add .Values.config.drain.delay_ms .Values.config.drain.timeout_ms -}}
{{ add .Values.preStopSeconds (ceil (divf $drain 1000)) .Values.graceMarginSeconds }}
{{- end }}
