{{- /* The pod of a run, in the CronJob and in the Deployment. */ -}}
{{- define "preview-reconcile.pod" -}}
metadata:
  labels:
    {{- include "preview-reconcile.selector" . | nindent 4 }}
spec:
  serviceAccountName: {{ include "preview-reconcile.name" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  restartPolicy: {{ eq .Values.mode "deployment" | ternary "Always" "Never" }}
  securityContext:
    runAsNonRoot: true
    {{- if not .Values.openshift }}
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    {{- end }}
    seccompProfile:
      type: RuntimeDefault
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: reconcile
      image: {{ include "preview-reconcile.image" . }}
      {{- with .Values.image.pullPolicy }}
      imagePullPolicy: {{ . }}
      {{- end }}
      args:
        - --timeout={{ .Values.timeout }}
        - --allow-blocked
        - --log-format=json
        - --output=none
        {{- if .Values.namespaceOnly }}
        - --namespace-only
        - --namespace=$(POD_NAMESPACE)
        {{- end }}
        {{- if .Values.planOnly }}
        - --dry-run
        - --output=text
        {{- end }}
        {{- if eq .Values.mode "deployment" }}
        - --interval={{ .Values.interval }}
        {{- end }}
      {{- if .Values.namespaceOnly }}
      env:
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
      {{- end }}
      envFrom:
        - configMapRef:
            name: {{ include "preview-reconcile.name" . }}
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      volumeMounts:
        - name: kube-api-access
          mountPath: /var/run/secrets/kubernetes.io/serviceaccount
          readOnly: true
        {{- if .Values.templates }}
        - name: templates
          mountPath: /etc/preview-reconcile/templates
          readOnly: true
        {{- end }}
  volumes:
    - name: kube-api-access
      projected:
        defaultMode: 0440
        sources:
          - serviceAccountToken:
              path: token
              expirationSeconds: 600
          - configMap:
              name: kube-root-ca.crt
              items:
                - key: ca.crt
                  path: ca.crt
          - downwardAPI:
              items:
                - path: namespace
                  fieldRef:
                    fieldPath: metadata.namespace
    {{- if .Values.templates }}
    - name: templates
      configMap:
        name: {{ include "preview-reconcile.name" . }}-templates
    {{- end }}
{{- end -}}
